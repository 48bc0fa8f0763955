using System.Net;
using System.Net.WebSockets;
using System.Text.Json;

namespace Sessions.Tests.Gateway;

/// <summary>JSON-RPC over a real WebSocket, and the methods of the device protocol.</summary>
public sealed class ProtocolTests(GatewayServer server) : IClassFixture<GatewayServer>
{
    private async Task<TestDevice> ConnectAsync(string body = Party.Publisher)
        => await TestDevice.ConnectAsync(server.Url, await Party.CreateAsync(await server.NewAccountAsync(), body));

    [Theory]
    [InlineData("setMediaPreferences", """{"protocol":"WEBRTC"}""")]
    [InlineData("ping", "{}")]
    public async Task A_call_without_a_result_returns_an_empty_object(string method, string parameters)
    {
        await using var device = await ConnectAsync();

        Is("{}", (await device.CallAsync(method, parameters)).GetProperty("result"));
    }

    [Theory]
    [InlineData("7")]
    [InlineData("1.0")]
    [InlineData("12345678901234567890123")]
    [InlineData("\"67e55044-10b1-426f-9247-bb680e5fe0c8\"")]
    [InlineData("\"\\u0041\"")]
    [InlineData("null")]
    public async Task A_response_contains_the_id_of_the_request_unchanged(string id)
    {
        await using var device = await ConnectAsync();

        await device.SendAsync($$"""{"jsonrpc":"2.0","method":"ping","id":{{id}}}""");

        Assert.Equal(id, (await device.NextAsync()).GetProperty("id").GetRawText());
    }

    [Theory]
    [InlineData("{", -32700, "null")]
    [InlineData("", -32700, "null")]
    [InlineData("[]", -32600, "null")]
    [InlineData("""[{"jsonrpc":"2.0","method":"ping","id":1}]""", -32600, "null")]
    [InlineData("7", -32600, "null")]
    [InlineData("""{"jsonrpc":"2.0","id":3}""", -32600, "3")]
    [InlineData("""{"jsonrpc":"2.0","method":4,"id":3}""", -32600, "3")]
    [InlineData("""{"jsonrpc":"2.0","method":"\ud800","id":3}""", -32600, "3")]
    [InlineData("""{"jsonrpc":"2.0","method":"ping","id":{}}""", -32600, "null")]
    [InlineData("""{"jsonrpc":"2.0","method":"Ping","id":3}""", -32601, "3")]
    [InlineData("""{"jsonrpc":"2.0","method":"offerSdp","id":3}""", -32602, "3")]
    [InlineData("""{"jsonrpc":"2.0","method":"offerSdp","params":[],"id":3}""", -32602, "3")]
    [InlineData("""{"jsonrpc":"2.0","method":"offerSdp","params":{"sdpOffer":5},"id":3}""", -32602, "3")]
    [InlineData("""{"jsonrpc":"2.0","method":"offerSdp","params":{"sdpOffer":"\ud800"},"id":3}""", -32602, "3")]
    [InlineData("""{"jsonrpc":"2.0","method":"offerSdp","params":{"sdpOffer":"v=0","mediaMetadata":{"mediaStreams":{"s":{"alias":{}}}}},"id":3}""", -32602, "3")]
    [InlineData("""{"jsonrpc":"2.0","method":"offerSdp","params":{"sdpOffer":"no sdp"},"id":3}""", -32000, "3")]
    [InlineData("""{"jsonrpc":"2.0","method":"answerSdp","params":{},"id":3}""", -32602, "3")]
    [InlineData("""{"jsonrpc":"2.0","method":"answerSdp","params":{"sdpAnswer":"v=0"},"id":3}""", -32600, "3")]
    public async Task An_invalid_message_gets_an_error_code_and_the_connection_stays_open(string message, int code, string id)
    {
        await using var device = await ConnectAsync();

        await device.SendAsync(message);

        var response = await device.NextAsync();
        Assert.Equal(code, response.GetProperty("error").GetProperty("code").GetInt32());
        Assert.NotEmpty(response.GetProperty("error").GetProperty("message").GetString()!);
        Assert.Equal(id, response.GetProperty("id").GetRawText());
        Assert.False(response.TryGetProperty("result", out _));
        await device.CallAsync("ping");
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","method":"ping"}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"unknown"}""")]
    [InlineData("""{"jsonrpc":"2.0","result":{},"id":3}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"deviceDiagnostics","params":{"logs":[{"level":"info","timestamp":"now","message":"marker-in-a-body"}]}}""")]
    public async Task Notifications_and_responses_get_no_response(string message)
    {
        await using var device = await ConnectAsync();

        await device.SendAsync(message);

        await device.CallAsync("ping");
    }

    [Fact]
    public async Task A_binary_message_closes_the_connection_with_1003()
    {
        await using var device = await ConnectAsync();

        await device.SendAsync([1, 2, 3], WebSocketMessageType.Binary);

        Assert.Equal(WebSocketCloseStatus.InvalidMessageType, await device.Closed);
    }

    [Theory]
    [InlineData(128 * 1024, false)]
    [InlineData((128 * 1024) + 1, true)]
    public async Task A_message_over_128_KiB_closes_the_connection_with_1009(int length, bool isTooLong)
    {
        await using var device = await ConnectAsync();
        const string start = """{"jsonrpc":"2.0","method":"ping","id":1,"params":{"x":""";

        await device.SendAsync($"{start}\"{new string('x', length - start.Length - 4)}\"}}}}");

        if (isTooLong)
            Assert.Equal(WebSocketCloseStatus.MessageTooBig, await device.Closed);
        else
            Is("{}", (await device.NextAsync()).GetProperty("result"));
    }

    [Fact]
    public async Task An_SDP_offer_gets_an_SDP_answer_and_the_metadata_of_each_stream()
    {
        var party = await Party.CreateAsync(await server.NewAccountAsync());
        await using var device = await TestDevice.ConnectAsync(server.Url, party);

        var empty = (await device.PublishAsync()).GetProperty("result");
        var result = (await device.PublishAsync("{firefox}:camera", "chromium")).GetProperty("result");

        Is("{}", empty.GetProperty("streamMetadata"));
        Assert.StartsWith("v=0\r\n", result.GetProperty("sdpAnswer").GetString(), StringComparison.Ordinal);
        var endpoint = result.GetProperty("endpointId").GetString();
        Assert.Equal(endpoint, empty.GetProperty("endpointId").GetString());
        Is(
            $$"""
            {
              "{firefox}": { "endpointId": "{{endpoint}}", "mediaTypes": ["AUDIO", "VIDEO"], "alias": "camera", "participantId": "{{party.Id}}" },
              "chromium": { "endpointId": "{{endpoint}}", "mediaTypes": ["AUDIO", "VIDEO"], "participantId": "{{party.Id}}" }
            }
            """,
            result.GetProperty("streamMetadata"));
    }

    [Theory]
    [InlineData("""{"publishPermissions":["AUDIO"]}""", """["AUDIO"]""")]
    [InlineData("""{"publishPermissions":["VIDEO"]}""", """["VIDEO"]""")]
    [InlineData("{}", null)]
    public async Task Only_permitted_media_kinds_are_published(string body, string? mediaTypes)
    {
        await using var device = await ConnectAsync(body);

        var streams = (await device.PublishAsync("s")).GetProperty("result").GetProperty("streamMetadata");

        if (mediaTypes is null)
            Is("{}", streams);
        else
            Is(mediaTypes, streams.GetProperty("s").GetProperty("mediaTypes"));
    }

    [Fact]
    public async Task A_device_that_leaves_is_closed_with_1000()
    {
        var party = await Party.CreateAsync(await server.NewAccountAsync());
        await using var device = await TestDevice.ConnectAsync(server.Url, party);
        await device.CallAsync("ping");

        await device.SendAsync("""{"jsonrpc":"2.0","method":"leave"}""");

        Assert.Equal(WebSocketCloseStatus.NormalClosure, await device.Closed);
    }

    [Theory]
    [InlineData("/v3")]
    [InlineData("/v3/")]
    public async Task The_trailing_slash_the_client_and_the_uniqueId_are_optional(string path)
    {
        var party = await Party.CreateAsync(await server.NewAccountAsync());

        await using var device = await TestDevice.ConnectToAsync(server.Url, $"{path}?token={party.Token}");

        await device.CallAsync("ping");
    }

    [Theory]
    [InlineData("/v3/")]
    [InlineData("/v2/")]
    public async Task A_request_without_a_WebSocket_upgrade_gets_426(string path)
    {
        using var response = await server.Http.GetAsync(new Uri(path, UriKind.Relative));

        Assert.Equal(HttpStatusCode.UpgradeRequired, response.StatusCode);
    }

    [Fact]
    public async Task Other_requests_reach_the_API()
        => Assert.Equal(HttpStatusCode.Unauthorized, (await server.Http.GetAsync(new Uri("/v1/accounts/1/sessions/1", UriKind.Relative))).StatusCode);

    private static void Is(string expected, JsonElement actual)
        => Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), actual), $"Expected {expected}, got {actual}");
}
