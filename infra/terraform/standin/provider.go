package main

import (
	"context"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
)

// provider answers what is asked before a plan. Of the rest, which the embedded interface promises, nothing is
// there: a plan without a mock ends here, and cannot be taken for one of AWS.
type provider struct {
	tfprotov5.ProviderServer
	resources map[string]*tfprotov5.Schema
}

func (p *provider) GetMetadata(
	context.Context, *tfprotov5.GetMetadataRequest,
) (*tfprotov5.GetMetadataResponse, error) {
	made := &tfprotov5.GetMetadataResponse{}
	for name := range p.resources {
		made.Resources = append(made.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	return made, nil
}

func (p *provider) GetProviderSchema(
	context.Context, *tfprotov5.GetProviderSchemaRequest,
) (*tfprotov5.GetProviderSchemaResponse, error) {
	return &tfprotov5.GetProviderSchemaResponse{Provider: settings(), ResourceSchemas: p.resources}, nil
}

func (p *provider) GetResourceIdentitySchemas(
	context.Context, *tfprotov5.GetResourceIdentitySchemasRequest,
) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (p *provider) PrepareProviderConfig(
	_ context.Context, asked *tfprotov5.PrepareProviderConfigRequest,
) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: asked.Config}, nil
}

func (p *provider) ValidateResourceTypeConfig(
	context.Context, *tfprotov5.ValidateResourceTypeConfigRequest,
) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
}

// State of an earlier run of the same test, as it was.
func (p *provider) UpgradeResourceState(
	_ context.Context, asked *tfprotov5.UpgradeResourceStateRequest,
) (*tfprotov5.UpgradeResourceStateResponse, error) {
	kind := p.resources[asked.TypeName].ValueType()
	value, err := asked.RawState.Unmarshal(kind)
	if err != nil {
		return nil, err
	}
	same, err := tfprotov5.NewDynamicValue(kind, value)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &same}, err
}

func (p *provider) StopProvider(
	context.Context, *tfprotov5.StopProviderRequest,
) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}
