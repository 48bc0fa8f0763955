using System.CommandLine;
using System.CommandLine.Parsing;
using Sessions.Bench;
using Sessions.Compare;
using Sessions.LocalHost;

const int LeastRounds = 5;

var quick = new Option<bool>("--quick") { Description = "Shows in a minute that everything works; measures nothing" };
var rounds = new Option<int>("--rounds") { Description = "How often everything is measured", DefaultValueFactory = _ => LeastRounds };
var seconds = new Option<double>("--seconds") { Description = "How long each measurement takes", DefaultValueFactory = _ => 3 };
var connections = new Option<int[]>("--connections")
{
    Description = "How many connections, each with one request at a time",
    DefaultValueFactory = result => Quick(result) ? [1, 16] : [1, 16, 64],
    AllowMultipleArgumentsPerToken = true,
};
var operations = new Option<string[]>("--operations")
{
    Description = "What is measured",
    DefaultValueFactory = _ => [.. Operations.All],
    AllowMultipleArgumentsPerToken = true,
}.AcceptOnlyFromAmong([.. Operations.All]);
var subjects = new Option<string[]>("--subjects")
{
    Description = "Whom is measured",
    DefaultValueFactory = _ => [.. SubjectNames.All],
    AllowMultipleArgumentsPerToken = true,
}.AcceptOnlyFromAmong([.. SubjectNames.All]);
var output = new Option<DirectoryInfo>("--output")
{
    Description = "The folder of the results",
    DefaultValueFactory = _ => new(Path.Combine(Repository.ArtifactsFolder, "Compare")),
};
rounds.Validators.Add(result => RequirePositive(result, result.GetValue(rounds) > 0));
seconds.Validators.Add(result => RequirePositive(result, result.GetValue(seconds) > 0));
connections.Validators.Add(result => RequirePositive(result, Array.TrueForAll(result.GetValue(connections)!, count => count > 0)));

var command = new RootCommand("Sessions beside its storage calls alone, an Express server that does the same, and a server that does nothing")
{
    rounds, seconds, connections, operations, subjects, output, quick,
};
command.SetAction(async (parsed, cancellation) =>
{
    var isQuick = parsed.GetValue(quick);
    var plan = new Plan(
        isQuick ? 1 : parsed.GetValue(rounds),
        TimeSpan.FromSeconds(isQuick ? 0.3 : parsed.GetValue(seconds)),
        TimeSpan.FromSeconds(isQuick ? 0.1 : 4),
        parsed.GetValue(connections)!,
        parsed.GetValue(operations)!,
        parsed.GetValue(subjects)!);
    try
    {
        var results = await Comparison.RunAsync(plan, cancellation);
        var report = new Report(results, isQuick ? "This is no measurement: it shows that the comparison works." : null);
        await report.WriteAsync(parsed.GetValue(output)!.FullName);
        if (isQuick || plan.Rounds >= LeastRounds)
            return 0;

        throw new BenchmarkException($"Fewer than {LeastRounds} rounds say nothing of the spread.");
    }
    catch (Exception exception) when (exception is BenchmarkException or LocalHostException)
    {
        await Console.Error.WriteLineAsync(exception.Message);
        return 1;
    }
});
return await command.Parse(args).InvokeAsync();

bool Quick(ArgumentResult result) => result.GetResult(quick) is { Implicit: false };

static void RequirePositive(OptionResult result, bool isPositive)
{
    if (!isPositive)
        result.AddError($"{result.Option.Name}: expected more than 0.");
}
