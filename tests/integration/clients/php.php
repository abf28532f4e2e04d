<?php
// SPDX-License-Identifier: MIT
// php php.php KIND PORT, where KIND is phpredis or predis: what they ask at their defaults.

function same($got, $wanted)
{
	if ($got !== $wanted)
		throw new Exception(var_export($got, true) . ', not ' . var_export($wanted, true));
}

function pairs($list)
{
	$pairs = [];
	for ($i = 0; $i < count($list); $i += 2)
		$pairs[$list[$i]] = $list[$i + 1];
	return $pairs;
}

[, $kind, $port] = $argv;
if ($kind === 'predis') {
	require 'Predis/Autoloader.php';
	Predis\Autoloader::register();
	$it = new Predis\Client(['port' => (int)$port, 'database' => 0]);
	$ask = fn(...$words) => $it->executeRaw($words);
	same($it->get('none'), null);
	same($it->pipeline(fn($all) => array_map(fn($n) => $all->echo($n), range(0, 99))),
	     array_map('strval', range(0, 99)));
} else {
	$it = new Redis();
	same($it->connect('127.0.0.1', (int)$port), true);
	same($it->select(0), true);
	$ask = fn(...$words) => $it->rawCommand(...$words);
	same($it->get('none'), false);
	$all = $it->pipeline();
	foreach (range(0, 99) as $n)
		$all->echo((string)$n);
	same($all->exec(), array_map('strval', range(0, 99)));
}
same($it->get('small'), 'content');
same(strlen($it->get('page')), 30000);
same($it->strlen('small'), 7);
same(pairs($ask('RUN', 'id', 'a b'))['stdout'], "a b\n");
$number = $ask('START', 'id', 'started');
$said = '';
do {
	$news = pairs($ask('NEWS', (string)$number));
	$said .= $news['stdout'];
} while (!is_int($news['exit']));
same($said, "started\n");
same($it->echo('after'), 'after');
echo "ok\n";
