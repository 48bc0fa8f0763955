using System.Net;
using System.Text.Json;
using Sessions.Bench;

namespace Sessions.MediaBench;

/// <summary>The gateway's media path, or the reflector. Both are this program in a separate process.</summary>
internal sealed class OwnSubject : Subject
{
    public const string Gateway = "gateway";
    public const string Reflector = "reflector";

    private readonly bool _isPlain;
    private int _subscribers;

    private OwnSubject(string name, RunningProgram program)
        : base(name) => (_isPlain, Program) = (name == Reflector, program);

    public override RunningProgram Program { get; }

    public override bool IsPlain => _isPlain;

    public static OwnSubject Start(string name)
        => new(name, name.EndsWith(".dll", StringComparison.Ordinal)
            ? RunningProgram.Start("dotnet", [name, Gateway])
            : RunningProgram.Start("dotnet", [typeof(OwnSubject).Assembly.Location, name]));

    public override async Task PublishAsync(int session, LoadConnection connection, LoadTrack audio, LoadTrack video)
    {
        if (_isPlain)
        {
            connection.Start(IPEndPoint.Parse(await AskAsync(new(ServerOperation.Publish, connection.Address.ToString(), [], 0))));
            return;
        }

        var offer = LoadSdp.Offer(connection, audio, video);
        connection.Connect(LoadSdp.Parse(await AskAsync(new(ServerOperation.Publish, offer, [], 0))));
    }

    public override async Task SubscribeAsync(int session, LoadConnection connection, int[] publishers)
    {
        var subscriber = _subscribers++;
        if (_isPlain)
        {
            connection.Start(IPEndPoint.Parse(await AskAsync(new(ServerOperation.Subscribe, connection.Address.ToString(), publishers, 0))));
            return;
        }

        var offer = LoadSdp.Parse(await AskAsync(new(ServerOperation.Subscribe, "", publishers, 0)));
        await AskAsync(new(ServerOperation.Answer, LoadSdp.Answer(connection, offer), [], subscriber));
        connection.Connect(offer);
    }

    public override async Task<long> MeasureMemoryAsync()
    {
        await AskAsync(new(ServerOperation.Collect, "", [], 0));
        return Program.AnonymousMemory;
    }

    private async Task<string> AskAsync(ServerRequest request)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await Program.WriteLineAsync(JsonSerializer.Serialize(request));
        return JsonSerializer.Deserialize<ServerAnswer>(await Program.ReadLineAsync(limit.Token))!.Sdp;
    }
}
