using System.CommandLine;
using Sessions.Bench;
using Sessions.LocalHost;
using Sessions.Startup;

const int UsualRuns = 10;

var runs = new Option<int>("--runs") { Description = "How often each program is started", DefaultValueFactory = _ => UsualRuns };
var output = new Option<DirectoryInfo>("--output")
{
    Description = "The folder of the results",
    DefaultValueFactory = _ => new(Path.Combine(Repository.ArtifactsFolder, "Startup")),
};

var command = new RootCommand("The time from the start of a process to its first response, and the processor time and memory that it has used until then") { runs, output };
command.SetAction(async (parsed, cancellation) =>
{
    try
    {
        var report = await Comparison.RunAsync(parsed.GetValue(runs), cancellation);
        var folder = parsed.GetValue(output)!.FullName;
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "startup.md"), report, cancellation);
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
