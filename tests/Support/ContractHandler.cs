using Sessions.Tests.Contract;

namespace Sessions.Tests;

/// <summary>Fails a test whose request gets a response that the OpenAPI document does not describe.</summary>
public sealed class ContractHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>Receives the parts of the document that occur, or null.</summary>
    internal ContractLog? Log { get; set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);

        // The gateway's endpoints for devices.
        if (request.RequestUri!.AbsolutePath is "/v2/" or "/v3/")
            return response;

        await response.Content.LoadIntoBufferAsync(cancellationToken);
        var exchange = await Exchange.ReadAsync(request, response, cancellationToken);
        var problems = OpenApiContract.Instance.Check(exchange, Log);
        Assert.True(problems is [], $"The response is not as src/Functions/openapi.json says. {string.Join(' ', problems)} {exchange}");
        return response;
    }
}
