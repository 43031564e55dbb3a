//go:build ignore

// Command generate writes openapi.json, the contract as OpenAPI 3.1, from the server's routes
// and the types of this package: go generate ./host/api.
package main

import (
	"log"
	"os"

	"github.com/recrypt-service/recrypt/host/server"
)

func main() {
	text, err := server.OpenAPI()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("openapi.json", text, 0o644); err != nil {
		log.Fatal(err)
	}
}
