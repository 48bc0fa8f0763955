using System.Net;
using System.Net.Sockets;
using Sessions.Webhooks;

namespace Sessions.Tests.Webhooks;

/// <summary>Connections go to an address that was checked, whatever a name resolves to later.</summary>
public sealed class ReceiverAddressTests(AzuriteFixture azurite)
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("10.0.0.1", "192.168.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("2002:7f00:1::1")]
    [InlineData("0.0.0.0")]
    [InlineData("fd00:ec2::254")]
    public async Task No_connection_is_made_to_a_host_name_that_resolves_to_a_private_address(params string[] addresses)
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();
        var server = bench.NewServer(new(AllowHttp: true, AllowLoopback: false, AllowPrivate: false), (_, _) => Task.FromResult(Parse(addresses)));
        var webhook = await bench.AddAsync(Named(receiver));
        await bench.AppendAsync(Guid.NewGuid());

        await server.RunAsync(WebhookBench.Account, webhook.Id, CancellationToken.None);

        Assert.Equal("hooks.example.com has no address that webhooks may be sent to", await ReasonAsync(bench, webhook));
        Assert.Empty(receiver.All);
    }

    [Theory]
    [InlineData("http://127.0.0.1:1/", "127.0.0.1 is not a public address")]
    [InlineData("http://[::ffff:169.254.169.254]:1/", "is not a public address")]
    [InlineData("http://[64:ff9b::10.0.0.1]/", "is not a public address")]
    public async Task A_delivery_to_an_address_that_is_no_longer_allowed_fails(string url, string reason)
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        var server = bench.NewServer(new(AllowHttp: true, AllowLoopback: false, AllowPrivate: false));
        var webhook = await bench.AddAsync(new Uri(url));
        await bench.AppendAsync(Guid.NewGuid());

        await server.RunAsync(WebhookBench.Account, webhook.Id, CancellationToken.None);

        Assert.Contains(reason, await ReasonAsync(bench, webhook), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_delivery_over_HTTP_fails_unless_HTTP_is_allowed()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();
        var webhook = await bench.AddAsync(receiver);
        await bench.AppendAsync(Guid.NewGuid());

        await bench.NewServer(WebhookOptions.Local with { AllowHttp = false }).RunAsync(WebhookBench.Account, webhook.Id, CancellationToken.None);

        Assert.Equal("the URL is not allowed: expected an absolute https URL, for example https://HOST/PATH.", await ReasonAsync(bench, webhook));
        Assert.Empty(receiver.All);
    }

    [Fact]
    public async Task A_host_name_is_resolved_once_and_its_allowed_address_is_used_with_the_original_Host_header()
    {
        var looks = 0;
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();
        var server = bench.NewServer(WebhookOptions.Local, (_, _) =>
            Task.FromResult(Parse(Interlocked.Increment(ref looks) == 1 ? ["10.255.255.1", "169.254.169.254", "127.0.0.1"] : ["169.254.169.254"])));
        var webhook = await bench.AddAsync(Named(receiver));
        var session = Guid.NewGuid();
        await bench.AppendAsync(session);
        await bench.AppendAsync(session);

        await server.RunAsync(WebhookBench.Account, webhook.Id, CancellationToken.None);

        Assert.Equal(1, looks);
        Assert.Equal(2, receiver.All.Count);
        Assert.All(receiver.All, received => Assert.Equal($"hooks.example.com:{receiver.Url.Port}", received.Host));
        await bench.IsDoneAsync(webhook);
    }

    [Fact]
    public async Task A_host_name_that_is_not_found_is_retried()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();
        var server = bench.NewServer(WebhookOptions.Local, (_, _) => throw new SocketException((int)SocketError.HostNotFound));
        var webhook = await bench.AddAsync(Named(receiver));
        await bench.AppendAsync(Guid.NewGuid());

        await server.RunAsync(WebhookBench.Account, webhook.Id, CancellationToken.None);

        Assert.Equal("the host name was not found", await ReasonAsync(bench, webhook));
        Assert.Single(bench.Delays);
    }

    private static Uri Named(Receiver receiver) => new($"http://hooks.example.com:{receiver.Url.Port}/");

    private static IPAddress[] Parse(IEnumerable<string> addresses) => [.. addresses.Select(IPAddress.Parse)];

    private static async Task<string> ReasonAsync(WebhookBench bench, Webhook webhook)
        => (await bench.RowsAsync(webhook))["held:000000000000001"].GetString("Reason");
}
