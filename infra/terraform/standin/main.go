// A provider that knows what the AWS provider's resources take and give, and nothing of AWS.
//
// It reads schema.json beside itself, so that `validate`, and `test` with a mocked provider, can check the whole
// stack on a machine without the real one. It refuses to plan or apply anything.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type attribute struct {
	Type json.RawMessage `json:"type"`
	Is   []string        `json:"is"`
}

type nested struct {
	Nesting string `json:"nesting"`
	Least   int64  `json:"least"`
	Most    int64  `json:"most"`
	Block   block  `json:"block"`
}

type block struct {
	Attributes map[string]attribute `json:"attributes"`
	Blocks     map[string]nested    `json:"blocks"`
}

var nestings = map[string]tfprotov5.SchemaNestedBlockNestingMode{
	"list":   tfprotov5.SchemaNestedBlockNestingModeList,
	"set":    tfprotov5.SchemaNestedBlockNestingModeSet,
	"single": tfprotov5.SchemaNestedBlockNestingModeSingle,
}

func (b block) schema() (*tfprotov5.SchemaBlock, error) {
	made := &tfprotov5.SchemaBlock{}
	for name, one := range b.Attributes {
		kind, err := tftypes.ParseJSONType(one.Type) //nolint:staticcheck // the schema is written in this form
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		given := &tfprotov5.SchemaAttribute{Name: name, Type: kind}
		for _, flag := range one.Is {
			given.Required = given.Required || flag == "required"
			given.Optional = given.Optional || flag == "optional"
			given.Computed = given.Computed || flag == "computed"
		}
		made.Attributes = append(made.Attributes, given)
	}
	for name, one := range b.Blocks {
		inner, err := one.Block.schema()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		mode, known := nestings[one.Nesting]
		if !known {
			return nil, fmt.Errorf("%s: no nesting %q", name, one.Nesting)
		}
		made.BlockTypes = append(made.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: name, Block: inner, Nesting: mode, MinItems: one.Least, MaxItems: one.Most,
		})
	}
	return made, nil
}

// What the provider itself is given in the roots of this repository.
func settings() *tfprotov5.Schema {
	text := func(name string, kind tftypes.Type) *tfprotov5.SchemaAttribute {
		return &tfprotov5.SchemaAttribute{Name: name, Type: kind, Optional: true}
	}
	return &tfprotov5.Schema{Block: &tfprotov5.SchemaBlock{
		Attributes: []*tfprotov5.SchemaAttribute{
			text("region", tftypes.String),
			text("allowed_account_ids", tftypes.Set{ElementType: tftypes.String}),
		},
		BlockTypes: []*tfprotov5.SchemaNestedBlock{{
			TypeName: "default_tags", Nesting: tfprotov5.SchemaNestedBlockNestingModeList, MaxItems: 1,
			Block: &tfprotov5.SchemaBlock{Attributes: []*tfprotov5.SchemaAttribute{
				text("tags", tftypes.Map{ElementType: tftypes.String}),
			}},
		}},
	}}
}

func read() (map[string]*tfprotov5.Schema, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(filepath.Dir(program), "schema.json"))
	if err != nil {
		return nil, err
	}
	var blocks map[string]block
	if err := json.Unmarshal(content, &blocks); err != nil {
		return nil, err
	}
	made := make(map[string]*tfprotov5.Schema, len(blocks))
	for name, one := range blocks {
		inner, err := one.schema()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		made[name] = &tfprotov5.Schema{Block: inner}
	}
	return made, nil
}

func main() {
	resources, err := read()
	if err != nil {
		fmt.Fprintf(os.Stderr, "schema: %v\n", err)
		os.Exit(2)
	}
	serve := func() tfprotov5.ProviderServer { return &provider{resources: resources} }
	if err := tf5server.Serve("registry.terraform.io/hashicorp/aws", serve); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
