module github.com/amazonpay-go/amazonpay/examples/checkout

go 1.26.0

replace github.com/amazonpay-go/amazonpay => ../..

require (
	github.com/amazonpay-go/amazonpay v0.0.0-00010101000000-000000000000
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/google/uuid v1.6.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)
