package main

func Example_main() {
	main()
	// Output: Paid 19.90 USD
}
