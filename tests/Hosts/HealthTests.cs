using System.Net;

namespace Sessions.Tests;

/// <summary>What the health check looks at.</summary>
public sealed class HealthTests(Server server) : IClassFixture<Server>
{
    [Theory]
    [InlineData("sessions")]
    [InlineData("participants")]
    [InlineData("credentials")]
    public async Task Health_needs_every_table(string name)
    {
        Assert.Equal(HttpStatusCode.OK, await StatusAsync());

        await server.Tables.All.Single(table => table.Name == name).DeleteAsync();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync());

        await server.Tables.CreateAsync(CancellationToken.None);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync());
    }

    private async Task<HttpStatusCode> StatusAsync()
    {
        using var response = await server.Http.GetAsync("/health");
        return response.StatusCode;
    }
}
