using System.CommandLine;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;
using Sessions.Micro;

var output = new Option<string>("--output") { Description = "The folder for the table.", DefaultValueFactory = _ => "artifacts/bench/Micro" };
var command = new RootCommand("What a request takes and allocates with storage in memory. Further arguments are BenchmarkDotNet's.")
{
    output,
};
command.TreatUnmatchedTokensAsErrors = false;
command.SetAction(arguments =>
{
    // The benchmarks run in this process, because the project that BenchmarkDotNet would generate and build is not part of this
    // repository's builds.
    var config = ManualConfig.CreateEmpty()
        .AddJob(Job.Default.WithIterationTime(TimeInterval.FromMilliseconds(200)).WithMaxIterationCount(30).WithToolchain(InProcessEmitToolchain.Instance))
        .AddColumnProvider(DefaultColumnProviders.Instance)
        .AddLogicalGroupRules(BenchmarkLogicalGroupRule.ByCategory) // Each class has its own baseline.
        .AddLogger(ConsoleLogger.Default)
        .AddExporter(MarkdownExporter.GitHub)
        .WithSummaryStyle(SummaryStyle.Default.WithTimeUnit(TimeUnit.Microsecond))
        .WithOptions(ConfigOptions.JoinSummary)
        .WithArtifactsPath(arguments.GetValue(output)!);
    var summaries = BenchmarkRunner.Run(typeof(OperationBenchmark).Assembly, config, [.. arguments.UnmatchedTokens]);
    return summaries.Length > 0 && summaries.All(summary => !summary.HasCriticalValidationErrors && summary.Reports.All(report => report.Success)) ? 0 : 1;
});
return await command.Parse(args).InvokeAsync();
