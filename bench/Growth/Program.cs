using System.CommandLine;
using Sessions.Bench;
using Sessions.Growth;
using Sessions.LocalHost;

var output = new Option<string>("--output")
{
    Description = "The folder for the tables.",
    DefaultValueFactory = _ => Path.Combine(Repository.ArtifactsFolder, "Growth"),
};
var quick = new Option<bool>("--quick") { Description = "Small numbers, to see that it works: not a measurement." };
var command = new RootCommand("What operations cost as sessions and participants grow in number, and when many join at once.") { output, quick };
command.SetAction(async arguments =>
{
    try
    {
        await GrowthReport.WriteAsync(arguments.GetValue(output)!, arguments.GetValue(quick) ? Scale.Quick : Scale.Full);
        return 0;
    }
    catch (Exception exception) when (exception is BenchmarkException or LocalHostException)
    {
        await Console.Error.WriteLineAsync(exception.Message);
        return 1;
    }
});
return await command.Parse(args).InvokeAsync();
