// Reads every message into its generated model and writes it again: round_trip MESSAGES, to its output.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

type message struct {
	Model string          `json:"model"`
	Value json.RawMessage `json:"value"`
}

func main() {
	content, err := os.ReadFile(os.Args[1])
	check(err)
	var messages []message
	check(json.Unmarshal(content, &messages))
	written := []any{}
	for _, each := range messages {
		model := models[each.Model]()
		decoder := json.NewDecoder(bytes.NewReader(each.Value))
		decoder.DisallowUnknownFields()
		check(decoder.Decode(model))
		written = append(written, model)
	}
	check(json.NewEncoder(os.Stdout).Encode(written))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
