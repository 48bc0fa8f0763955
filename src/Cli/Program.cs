using Microsoft.Extensions.Configuration;
using Sessions.Cli;

return await CliProgram.RunAsync(
    args, Console.Out, Console.Error, new ConfigurationBuilder().AddEnvironmentVariables().Build(), TimeProvider.System);
