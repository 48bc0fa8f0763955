using Sessions.Tests.Contract;

namespace Sessions.Tests;

/// <summary>Fails a test whose request gets a response that the OpenAPI document does not describe.</summary>
public sealed class ContractHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    /// <summary>Gets all that is seen; null when nobody asks.</summary>
    internal ContractLog? Log { get; set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);

        // Devices connect there, to the gateway.
        if (request.RequestUri!.AbsolutePath is "/v2/" or "/v3/")
            return response;

        await response.Content.LoadIntoBufferAsync(cancellationToken);
        var exchange = await Exchange.ReadAsync(request, response, cancellationToken);
        var problems = OpenApiContract.Instance.Check(exchange, Log);
        Assert.True(problems is [], $"The response is not as src/Functions/openapi.json says. {string.Join(' ', problems)} {exchange}");
        return response;
    }
}
