package vectors_test

import (
	"context"
	"fmt"

	"github.com/recrypt-service/recrypt/wasm/dispatch"
	"github.com/recrypt-service/recrypt/wasm/vectors"
)

func ExampleAll() {
	all, err := vectors.All()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range all {
		if v.Name != "recrypt256/public-key/first-x-not-canonical" {
			continue
		}
		fmt.Println(v.About)
		results, err := dispatch.Native{}.Call(context.Background(), v.Op, v.Request())
		fmt.Println(v.Check(results, err))
	}
	// Output:
	// x is p + 1, another encoding of the same point, which upstream takes.
	// <nil>
}
