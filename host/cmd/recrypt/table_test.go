package main

import "sync"

// A table is a map that scripts running side by side may use.
type table[T any] struct {
	mu sync.Mutex
	m  map[string]T
}

func newTable[T any]() *table[T] { return &table[T]{m: map[string]T{}} }

func (t *table[T]) put(key string, v T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[key] = v
}

func (t *table[T]) get(key string) T {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[key]
}
