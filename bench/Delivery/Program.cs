using System.CommandLine;
using Sessions.Bench;
using Sessions.Delivery;
using Sessions.LocalHost;

var rate = new Option<int>("--rate") { Description = "Changes per second.", DefaultValueFactory = _ => 1000 };
var seconds = new Option<int>("--seconds") { Description = "How long changes are made.", DefaultValueFactory = _ => 60 };
var failing = new Option<double>("--failing")
{
    Description = "The share of the tries that the receiver refuses with 500, at random.",
    DefaultValueFactory = _ => 1 / 3.0,
};
var lastTry = new Option<int>("--last-try")
{
    Description = "The receiver accepts this try of an event at the latest. The pauses before tries 2 to 5 are 5 s, 30 s, 2 min and 10 min.",
    DefaultValueFactory = _ => 3,
};
var wait = new Option<int>("--wait") { Description = "How many minutes after the load the last event may arrive.", DefaultValueFactory = _ => 30 };
var output = new Option<string>("--output")
{
    Description = "The folder for the tables.",
    DefaultValueFactory = _ => Path.Combine(Repository.ArtifactsFolder, "Delivery"),
};
foreach (var number in new[] { rate, seconds, lastTry, wait })
{
    number.Validators.Add(given =>
    {
        if (given.GetValueOrDefault<int>() < 1)
            given.AddError($"{number.Name} must be at least 1.");
    });
}

failing.Validators.Add(given =>
{
    if (given.GetValueOrDefault<double>() is not (>= 0 and <= 1))
        given.AddError("--failing must be from 0 to 1.");
});
var command = new RootCommand("How long after a change its event reaches a webhook, and whether every event arrives in order.")
{
    rate, seconds, failing, lastTry, wait, output,
};
command.SetAction(async arguments =>
{
    try
    {
        var plan = new Plan(
            arguments.GetValue(rate),
            TimeSpan.FromSeconds(arguments.GetValue(seconds)),
            arguments.GetValue(failing),
            arguments.GetValue(lastTry),
            TimeSpan.FromMinutes(arguments.GetValue(wait)));
        return await DeliveryReport.WriteAsync(arguments.GetValue(output)!, plan) ? 0 : 1;
    }
    catch (Exception exception) when (exception is BenchmarkException or LocalHostException)
    {
        await Console.Error.WriteLineAsync(exception.Message);
        return 1;
    }
});
return await command.Parse(args).InvokeAsync();
