/* SPDX-License-Identifier: MIT */
#include "core/stats.h"

struct stats stats;
