package browser

import "encoding/json"

// quote writes a text as JavaScript does.
func quote(text string) string {
	literal, _ := json.Marshal(text) // a text can always be written
	return string(literal)
}
