# SPDX-License-Identifier: MIT
# perl perl.pl PORT: what the module Redis asks at its defaults.
use strict;
use warnings;
use Redis;

sub same {
	my ($got, $wanted) = @_;
	$got = "undef" unless defined $got;
	die "$got, not $wanted" unless $got eq $wanted;
}

my $it = Redis->new(server => "127.0.0.1:$ARGV[0]");
same($it->ping, "PONG");
same($it->get("small"), "content");
same($it->get("none"), "undef");
same(length $it->get("page"), 30_000);
same($it->info->{role}, "master");
eval { $it->nonsense };
die "no error" unless $@ =~ /unknown command/;
my @echoed;
$it->echo($_, sub { push @echoed, $_[0] }) for 0 .. 99;
$it->wait_all_responses;
same("@echoed", join " ", 0 .. 99);
my %run = $it->run("id", "a b");
same($run{stdout}, "a b\n");
my ($number, $said, %news) = ($it->start("id", "started"), "");
do {
	%news = $it->news($number);
	$said .= $news{stdout};
} until defined $news{exit};
same($said, "started\n");
same($it->echo("after"), "after");
$it->quit;
print "ok\n";
