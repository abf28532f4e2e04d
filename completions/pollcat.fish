# SPDX-License-Identifier: MIT
# pollcat in fish, loaded at the first Tab.
pollcat --completion fish 2>/dev/null | source
