// SPDX-License-Identifier: MIT

// go run redigo.go PORT: what the library redigo asks at its defaults.
package main

import (
	"fmt"
	"os"

	"github.com/gomodule/redigo/redis"
)

func same(got interface{}, err error, wanted interface{}) {
	if err != nil || got != wanted {
		panic(fmt.Sprintf("%v (%v), not %v", got, err, wanted))
	}
}

func text(it redis.Conn, verb string, arguments ...interface{}) (interface{}, error) {
	return redis.String(it.Do(verb, arguments...))
}

func main() {
	it, err := redis.Dial("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	got, err := text(it, "PING")
	same(got, err, "PONG")
	got, err = text(it, "GET", "small")
	same(got, err, "content")
	if _, err = text(it, "GET", "none"); err != redis.ErrNil {
		panic("no nil")
	}
	if _, err = it.Do("NONSENSE"); err == nil {
		panic("no error")
	}
	for n := 0; n < 100; n++ {
		it.Send("ECHO", fmt.Sprint(n))
	}
	it.Flush()
	for n := 0; n < 100; n++ {
		got, err = redis.String(it.Receive())
		same(got, err, fmt.Sprint(n))
	}
	number, err := redis.Int(it.Do("START", "id", "started"))
	said := ""
	for ended := false; !ended; {
		news, err := redis.Values(it.Do("NEWS", number))
		if err != nil {
			panic(err)
		}
		out, _ := redis.String(news[9], nil)
		said += out
		ended = news[1] != nil
	}
	same(said, err, "started\n")
	got, err = text(it, "ECHO", "after")
	same(got, err, "after")
	it.Close()
	fmt.Println("ok")
}
