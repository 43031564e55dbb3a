//go:build !linux

package main

// Processes are bound to cores on Linux only; elsewhere they run where the system likes.

func pinSelf(int) error { return nil }

func onCore(_ int, start func() error) error { return start() }

func pinTree(int, int) error { return nil }

func fileSystem(string) string { return "unknown" }
