using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Sessions.Gateway;
using Sessions.Model;
using Sessions.Security;

namespace Sessions.Tests.Gateway;

/// <summary>The devices that may connect.</summary>
public sealed class AdmissionTests(GatewayServer server) : IClassFixture<GatewayServer>
{
    private static readonly JsonWebTokenHandler Handler = new() { SetDefaultTimesOnTokenCreation = false };

    private async Task<WebSocketCloseStatus?> CloseOfAsync(string token)
    {
        await using var device = await TestDevice.ConnectAsync(server.Url, token);
        return await device.Closed;
    }

    private static string Sign(
        Dictionary<string, object> claims, string key = ApiServer.TokenSigningKey, string algorithm = SecurityAlgorithms.HmacSha256)
        => Handler.CreateToken(new SecurityTokenDescriptor
        {
            Claims = claims,
            SigningCredentials = new(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(key)), algorithm),
        });

    private Dictionary<string, object> Claims(Party party) => new()
    {
        ["a"] = party.Account.Id,
        ["p"] = party.Id,
        ["v"] = "V3",
        ["exp"] = (server.Time.GetUtcNow() + TimeSpan.FromHours(1)).ToUnixTimeSeconds(),
    };

    [Fact]
    public async Task A_connection_with_an_invalid_token_is_accepted_and_closed_with_1000()
    {
        var party = await Party.CreateAsync(await server.NewAccountAsync());
        var claims = Claims(party);
        var parts = Sign(claims).Split('.');
        string[] tokens =
        [
            "",
            "x",
            "a.b.c",
            Sign(claims, key: "another key, which is just as long as the real one"),
            $"{Base64UrlEncoder.Encode("""{"alg":"none"}""")}.{parts[1]}.",
            $"{parts[0]}.{parts[1]}.{parts[2][..^4]}AAAA",
            Sign(claims, algorithm: SecurityAlgorithms.HmacSha384, key: ApiServer.TokenSigningKey + ApiServer.TokenSigningKey),
            Sign(With("exp", server.Time.GetUtcNow().ToUnixTimeSeconds())),
            Sign(Without("exp")),
            Sign(Without("a")),
            Sign(Without("p")),
            Sign(Without("v")),
            Sign(With("a", "not/an/account")),
            Sign(With("a", 7)),
            Sign(With("p", "no participant")),
            Sign(With("p", Guid.NewGuid().ToString())),
            Sign(With("v", "V2")),
            Sign(With("x", new string('x', 2_000))),
        ];

        foreach (var token in tokens)
        {
            Assert.Equal(WebSocketCloseStatus.NormalClosure, await CloseOfAsync(token));
            server.Time.Advance(TimeSpan.FromSeconds(1)); // So that the limit of refused tokens is not reached.
        }

        await using var device = await TestDevice.ConnectAsync(server.Url, Sign(With("v", "v3")));
        await device.CallAsync("ping");

        Dictionary<string, object> With(string name, object value) => new(claims) { [name] = value };
        Dictionary<string, object> Without(string name) => new(claims.Where(claim => claim.Key != name));
    }

    [Theory]
    [InlineData("HS384")]
    [InlineData("HS512")]
    public async Task Only_HS256_tokens_are_accepted(string algorithm)
    {
        var party = await Party.CreateAsync(await server.NewAccountAsync());
        var key = new string('k', 64);
        var tokens = new ParticipantTokens(
            new SigningKey(
                TestOptions.With(("Sessions:TokenSigningKey", key)),
                server.Time,
                NullLogger<SigningKey>.Instance),
            server.Time);

        Assert.False(tokens.TryRead(Sign(Claims(party), key, algorithm), out _));
        Assert.True(tokens.TryRead(Sign(Claims(party), key), out var read));
        Assert.Equal(new DeviceToken(AccountId.Parse(party.Account.Id), new(Guid.Parse(party.Id)), "V3"), read);
    }

    [Fact]
    public async Task A_token_from_the_API_is_valid_until_its_participant_is_deleted()
    {
        var party = await Party.CreateAsync(await server.NewAccountAsync());
        await using (var device = await TestDevice.ConnectAsync(server.Url, party))
            await device.CallAsync("ping");

        await party.Account.DeleteAsync($"/participants/{party.Id}");
        await Eventually.IsAsync(0, () => server.Watch.CountDisconnected(AccountId.Parse(party.Account.Id), new(Guid.Parse(party.Id))));

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await CloseOfAsync(party.Token));
    }

    [Fact]
    public async Task No_trace_contains_the_token()
    {
        ConcurrentQueue<string> tags = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => tags.Enqueue($"{activity.DisplayName} {string.Join(' ', activity.TagObjects)}"),
        };
        ActivitySource.AddActivityListener(listener);
        var party = await Party.CreateAsync(await server.NewAccountAsync());
        await using (var device = await TestDevice.ConnectAsync(server.Url, party))
        {
            await device.SendAsync("""{"jsonrpc":"2.0","method":"leave"}""");
            await device.Closed;
        }

        await Eventually.IsAsync(true, () => tags.Any(tag => tag.Contains("/v3/", StringComparison.Ordinal)));
        Assert.DoesNotContain(tags, tag => tag.Contains(party.Token, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/v2")]
    [InlineData("/v2/")]
    public async Task A_version_2_connection_is_accepted_and_closed_with_1000(string path)
    {
        var party = await Party.CreateAsync(await server.NewAccountAsync());

        await using var device = await TestDevice.ConnectToAsync(server.Url, $"{path}?token={party.Token}&uniqueId=1");

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await device.Closed);
    }

    [Fact]
    public async Task A_connection_with_a_uniqueId_over_100_characters_is_closed_with_1000()
    {
        var party = await Party.CreateAsync(await server.NewAccountAsync());

        await using var device = await TestDevice.ConnectAsync(server.Url, party, new string('x', 101));

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await device.Closed);
    }

    [Fact]
    public async Task The_fifth_connected_device_of_a_participant_is_closed_with_1000()
    {
        var party = await Party.CreateAsync(await server.NewAccountAsync());
        List<TestDevice> devices = [];
        for (var number = 0; number < 4; number++)
        {
            devices.Add(await TestDevice.ConnectAsync(server.Url, party));
            await devices[^1].CallAsync("ping");
        }

        await using var fifth = await TestDevice.ConnectAsync(server.Url, party);
        Assert.Equal(WebSocketCloseStatus.NormalClosure, await fifth.Closed);

        // A disconnected device gives up its place, for example after a page was reloaded.
        devices[1].Abort();
        await Eventually.IsAsync(1, () => server.Watch.CountDisconnected(AccountId.Parse(party.Account.Id), new(Guid.Parse(party.Id))));
        await using var sixth = await TestDevice.ConnectAsync(server.Url, party);
        await sixth.CallAsync("ping");
        await devices[0].CallAsync("ping");
        foreach (var device in devices)
            await device.DisposeAsync();
    }

    [Fact]
    public async Task Streams_and_aliases_over_the_limits_are_rejected()
    {
        var party = await Party.CreateAsync(await server.NewAccountAsync());
        await using var device = await TestDevice.ConnectAsync(server.Url, party);
        var limits = new Limits();

        var tooMany = await device.PublishAsync([.. Enumerable.Range(0, limits.StreamsPerDevice + 1).Select(number => $"s{number}")]);
        var tooLong = await device.PublishAsync($"s:{new string('x', limits.AliasLength + 1)}");
        var tracks = await device.PublishAsync([.. Enumerable.Range(0, limits.StreamsPerDevice).Select(number => $"s{number}")]);

        Assert.Equal(-32602, tooMany.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal(-32602, tooLong.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal(limits.TracksPerDevice, tracks.GetProperty("result").GetProperty("streamMetadata").EnumerateObject()
            .Sum(stream => stream.Value.GetProperty("mediaTypes").GetArrayLength()));
    }

    /// <summary>A server that allows few devices and handshakes.</summary>
    public sealed class StrictServer(AzuriteFixture azurite) : GatewayServer(azurite)
    {
        protected override IReadOnlyDictionary<string, string?> GatewaySettings => new Dictionary<string, string?>
        {
            ["Gateway:DevicesPerAccount"] = "2",
            ["Gateway:HandshakesPerSecond"] = "5",
            ["Gateway:FailedTokensPerSecond"] = "2",
        };
    }

    public sealed class WithStrictLimits(StrictServer server) : IClassFixture<StrictServer>
    {
        /// <summary>Stops the clock, after enough time that earlier connections no longer count.</summary>
        private void BeginAnew()
        {
            server.Time.Stop();
            server.Time.Advance(TimeSpan.FromSeconds(2));
        }

        [Fact]
        public async Task Devices_over_the_limit_of_an_account_are_closed_with_1000_without_effect_on_other_accounts()
        {
            BeginAnew();
            var (account, other) = (await server.NewAccountAsync(), await server.NewAccountAsync());
            await using var first = await TestDevice.ConnectAsync(server.Url, await Party.CreateAsync(account));
            await using var second = await TestDevice.ConnectAsync(server.Url, await Party.CreateAsync(account));
            await first.CallAsync("ping");
            await second.CallAsync("ping");

            await using var third = await TestDevice.ConnectAsync(server.Url, await Party.CreateAsync(account));
            await using var others = await TestDevice.ConnectAsync(server.Url, await Party.CreateAsync(other));

            Assert.Equal(WebSocketCloseStatus.NormalClosure, await third.Closed);
            await others.CallAsync("ping");
        }

        [Fact]
        public async Task Handshakes_over_the_rate_limit_get_429_for_a_while()
        {
            BeginAnew();
            var party = await Party.CreateAsync(await server.NewAccountAsync());
            for (var handshake = 0; handshake < 5; handshake++)
            {
                await using var device = await TestDevice.ConnectAsync(server.Url, party, "the same");
                await device.CallAsync("ping");
            }

            await Is429Async(party.Token);
            BeginAnew();
            await using var later = await TestDevice.ConnectAsync(server.Url, party, "the same");
            await later.CallAsync("ping");
        }

        [Fact]
        public async Task Invalid_tokens_over_the_rate_limit_get_429_for_a_while()
        {
            BeginAnew();
            var party = await Party.CreateAsync(await server.NewAccountAsync());
            for (var guess = 0; guess < 2; guess++)
            {
                await using var device = await TestDevice.ConnectAsync(server.Url, guess.ToString(CultureInfo.InvariantCulture));
                Assert.Equal(WebSocketCloseStatus.NormalClosure, await device.Closed);
            }

            await Is429Async(party.Token);
            BeginAnew();
            await using var later = await TestDevice.ConnectAsync(server.Url, party);
            await later.CallAsync("ping");
        }

        private async Task Is429Async(string token)
        {
            var refused = await Assert.ThrowsAsync<WebSocketException>(() => TestDevice.ConnectAsync(server.Url, token));
            Assert.Contains("429", refused.Message, StringComparison.Ordinal);
        }
    }
}
