using System.Collections.Concurrent;
using System.Globalization;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Sessions.Bench;

namespace Sessions.MediaBench;

/// <summary>
/// The VideoRoom of Janus, controlled by its JSON API over a WebSocket, with its own configuration in a temporary folder.
/// </summary>
internal sealed class JanusSubject : Subject
{
    public const string Janus = "janus";

    private const string Path = "/usr/bin/janus";
    private static readonly string[] Others =
    [
        .. new[] { "audiobridge", "duktape", "echotest", "lua", "nosip", "recordplay", "sip", "streaming", "textroom", "videocall", "voicemail" }
            .Select(plugin => $"libjanus_{plugin}.so"),
    ];

    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(30);

    private readonly string _folder;
    private readonly ClientWebSocket _socket;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonNode>> _calls = [];
    private readonly HashSet<int> _rooms = [];
    private readonly List<(long Feed, Task Connected)> _publishers = [];
    private readonly ConcurrentDictionary<long, TaskCompletionSource> _connected = [];
    private long _session;
    private int _transactions;
    private Task _reading = Task.CompletedTask;

    private JanusSubject(RunningProgram program, string folder, ClientWebSocket socket)
        : base(Janus) => (Program, _folder, _socket) = (program, folder, socket);

    public static bool IsInstalled => File.Exists(Path);

    public override RunningProgram Program { get; }

    /// <summary>Janus answers an offer as the client of the handshake.</summary>
    public override bool IsPublisherDtlsClient => false;

    public static async Task<JanusSubject> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("janus-").FullName;
        var port = RunningProgram.FindFreeUrl().Port;
        await WriteConfigurationAsync(folder, port);
        var program = RunningProgram.Start(Path, ["--disable-colors", "--configs-folder", folder, "--config", $"{folder}/janus.jcfg"]);
        var subject = new JanusSubject(program, folder, await ConnectAsync(port));
        subject._reading = subject.ReadAsync();
        subject._session = (long)(await subject.CallAsync(new() { ["janus"] = "create" }))["data"]!["id"]!;
        return subject;
    }

    public override async Task PublishAsync(int session, LoadConnection connection, LoadTrack audio, LoadTrack video)
    {
        var room = session + 1;
        var handle = await AttachAsync();
        if (_rooms.Add(room))
        {
            await MessageAsync(handle, new()
            {
                ["request"] = "create",
                ["room"] = room,
                ["publishers"] = 100,
                ["audiocodec"] = "opus",
                ["videocodec"] = "vp8",
                ["bitrate"] = 0,
            });
        }

        var joined = await MessageAsync(
            handle,
            new() { ["request"] = "joinandconfigure", ["room"] = room, ["ptype"] = "publisher", ["audio"] = true, ["video"] = true },
            ("offer", LoadSdp.Offer(connection, audio, video)));
        _publishers.Add(((long)joined["plugindata"]!["data"]!["id"]!, _connected[handle].Task));
        connection.Connect(LoadSdp.Parse((string)joined["jsep"]!["sdp"]!));
    }

    public override async Task SubscribeAsync(int session, LoadConnection connection, int[] publishers)
    {
        // A subscription to a publisher is only possible after Janus has completed the publisher's handshake.
        await Task.WhenAll(publishers.Select(index => _publishers[index].Connected)).WaitAsync(CallLimit);
        var handle = await AttachAsync();
        var attached = await MessageAsync(handle, new()
        {
            ["request"] = "join",
            ["room"] = session + 1,
            ["ptype"] = "subscriber",
            ["streams"] = new JsonArray([.. publishers.Select(index => (JsonNode)new JsonObject { ["feed"] = _publishers[index].Feed })]),
        });
        var offer = LoadSdp.Parse((string)attached["jsep"]!["sdp"]!);
        await MessageAsync(handle, new() { ["request"] = "start" }, ("answer", LoadSdp.Answer(connection, offer)));
        connection.Connect(offer);
    }

    public override async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _reading;
        _socket.Dispose();
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task WriteConfigurationAsync(string folder, int port)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=janus", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await File.WriteAllTextAsync($"{folder}/certificate.pem", certificate.ExportCertificatePem());
        await File.WriteAllTextAsync($"{folder}/key.pem", key.ExportPkcs8PrivateKeyPem());

        // Without shared event loops, each handle has its own thread, and Janus uses twice the processor time.
        await File.WriteAllTextAsync($"{folder}/janus.jcfg", $$"""
            general: { configs_folder = "{{folder}}" debug_level = 2 session_timeout = 0 event_loops = {{Environment.ProcessorCount}} }
            certificates: { cert_pem = "{{folder}}/certificate.pem" cert_key = "{{folder}}/key.pem" }
            plugins: { disable = "{{string.Join(',', Others)}}" }
            nat: { ice_lite = true ice_enforce_list = "{{Address}}" ipv6 = false }
            transports: { disable = "libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so" }
            """);
        await File.WriteAllTextAsync(
            $"{folder}/janus.transport.websockets.jcfg", string.Create(CultureInfo.InvariantCulture, $$"""general: { ws = true ws_port = {{port}} ws_ip = "127.0.0.1" }"""));
    }

    private static async Task<ClientWebSocket> ConnectAsync(int port)
    {
        for (var tries = 100; ; tries--)
        {
            var socket = new ClientWebSocket();
            socket.Options.AddSubProtocol("janus-protocol");
            try
            {
                await socket.ConnectAsync(new($"ws://127.0.0.1:{port}/"), CancellationToken.None);
                return socket;
            }
            catch (WebSocketException) when (tries > 0)
            {
                socket.Dispose();
                await Task.Delay(100);
            }
        }
    }

    private async Task<long> AttachAsync()
    {
        var attached = await CallAsync(new() { ["janus"] = "attach", ["plugin"] = "janus.plugin.videoroom" });
        var handle = (long)attached["data"]!["id"]!;
        _connected[handle] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return handle;
    }

    private async Task<JsonNode> MessageAsync(long handle, JsonObject body, (string Type, string Sdp)? description = null)
    {
        var message = new JsonObject { ["janus"] = "message", ["handle_id"] = handle, ["body"] = body };
        if (description is var (type, sdp))
            message["jsep"] = new JsonObject { ["type"] = type, ["sdp"] = sdp };
        var answer = await CallAsync(message);
        return answer["plugindata"]?["data"]?["error"] is { } error ? throw new BenchmarkException($"Janus: {error}") : answer;
    }

    private async Task<JsonNode> CallAsync(JsonObject message)
    {
        var transaction = (++_transactions).ToString(CultureInfo.InvariantCulture);
        message["transaction"] = transaction;
        if (_session != 0)
            message["session_id"] = _session;
        var call = _calls[transaction] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await _socket.SendAsync(System.Text.Encoding.UTF8.GetBytes(message.ToJsonString()), WebSocketMessageType.Text, true, CancellationToken.None);
        var answer = await call.Task.WaitAsync(CallLimit);
        return (string?)answer["janus"] == "error" ? throw new BenchmarkException($"Janus: {answer["error"]}") : answer;
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[1024 * 1024];
        var length = 0;
        try
        {
            while (true)
            {
                var result = await _socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                length += result.Count;
                if (!result.EndOfMessage)
                    continue;

                Read(JsonNode.Parse(buffer.AsSpan(0, length))!);
                length = 0;
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The connection was closed.
        }
    }

    private void Read(JsonNode message)
    {
        // An acknowledgement precedes the response.
        var kind = (string?)message["janus"];
        if (kind == "webrtcup")
            _connected[(long)message["sender"]!].TrySetResult();
        else if (kind != "ack" && (string?)message["transaction"] is { } transaction && _calls.TryRemove(transaction, out var call))
            call.TrySetResult(message);
    }
}
