using System.CommandLine;
using System.Globalization;
using Sessions.Bench;
using Sessions.LocalHost;
using Sessions.Media.Dtls;
using Sessions.Media.Srtp;
using Sessions.MediaBench;

// With these arguments, this program is a server in a separate process.
if (args is [OwnSubject.Gateway])
{
    await GatewayServer.RunAsync();
    return 0;
}

if (args is [OwnSubject.Reflector])
{
    await ReflectorServer.RunAsync();
    return 0;
}

var servers = new Option<string[]>("--servers")
{
    Description = "The servers, in the order of each round; another build of the gateway is the path of its Sessions.MediaBench.dll",
    AllowMultipleArgumentsPerToken = true,
    DefaultValueFactory = _ => [OwnSubject.Gateway, JanusSubject.Janus, OwnSubject.Reflector],
};
var scenes = new Option<string[]>("--scenes")
{
    Description = "The numbers of sessions and of participants in each, such as 1x20",
    AllowMultipleArgumentsPerToken = true,
    DefaultValueFactory = _ => ["1x2", "1x10", "1x20", "10x3", "50x3"],
};
var profile = new Option<SrtpProfile>("--profile")
{
    Description = "How packets are encrypted, at the gateway and at Janus",
    DefaultValueFactory = _ => SrtpProfile.AeadAes128Gcm,
};
var rounds = new Option<int>("--rounds") { Description = "How often each is measured", DefaultValueFactory = _ => 3 };
var seconds = new Option<int>("--seconds") { Description = "How long each is measured", DefaultValueFactory = _ => 5 };
var tries = new Option<int>("--tries")
{
    Description = "How often a stream's way to a device after a PUT is measured; 0 for not",
    DefaultValueFactory = _ => 20,
};
var output = new Option<DirectoryInfo>("--output")
{
    Description = "The folder of the results",
    DefaultValueFactory = _ => new(Path.Combine(Repository.ArtifactsFolder, "Media")),
};
var command = new RootCommand("What the gateway's media path costs, beside Janus and a reflector of datagrams")
{
    servers, scenes, profile, rounds, seconds, tries, output,
};
command.SetAction(async (parsed, cancellation) =>
{
    // Only the load's process has just this profile, so a server has to accept the offered one.
    Array.Fill(DtlsEndpoint.Profiles, (int)parsed.GetValue(profile));
    try
    {
        var comparison = await Comparison.RunAsync(
            WithoutMissing(parsed.GetValue(servers)!),
            [.. parsed.GetValue(scenes)!.Select(Parse)],
            parsed.GetValue(rounds),
            TimeSpan.FromSeconds(parsed.GetValue(seconds)));
        var report = $"""
            # Media

            {parsed.GetValue(profile)}; medians of {parsed.GetValue(rounds)} rounds of {parsed.GetValue(seconds)} s in turn [least … most].

            {await Machine.DescribeAsync()}
            {comparison}
            {(parsed.GetValue(tries) > 0 ? await Availability.MeasureAsync(parsed.GetValue(tries)) : "")}
            """;
        var folder = parsed.GetValue(output)!.FullName;
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "media.md"), report, cancellation);
        Console.WriteLine(report);
        return 0;
    }
    catch (Exception exception) when (exception is BenchmarkException or LocalHostException)
    {
        await Console.Error.WriteLineAsync(exception.Message);
        return 1;
    }
});
return await command.Parse(args).InvokeAsync();

static string[] WithoutMissing(string[] servers)
{
    if (!servers.Contains(JanusSubject.Janus) || JanusSubject.IsInstalled)
        return servers;

    Console.WriteLine("Janus is not installed, and is left out: on Debian, `apt-get install janus` installs it.");
    return [.. servers.Where(server => server != JanusSubject.Janus)];
}

static Scene Parse(string text)
    => text.Split('x') is [var sessions, var participants]
        && int.TryParse(sessions, CultureInfo.InvariantCulture, out var count) && int.TryParse(participants, CultureInfo.InvariantCulture, out var size)
        && count > 0 && size > 1
        ? new(count, size)
        : throw new BenchmarkException($"--scenes: expected such as 1x20, with at least two participants, and not {text}.");
