package parallel

// Workers returns how many functions may run at the same time.
func Workers() int { return 1 }

// Each runs f(0) … f(n-1) in this order, as Do does.
func Each(n int, f func(i int)) {
	for i := range n {
		f(i)
	}
}
