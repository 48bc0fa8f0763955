using Sessions;
using Sessions.Gateway;
using Sessions.LocalHost;

try
{
    await LocalHostProgram.RunAsync(args);
    return 0;
}
catch (Exception exception) when (exception is LocalHostException or GatewayException or InvalidConfigurationException)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
