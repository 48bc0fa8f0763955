using Sessions;
using Sessions.Gateway;

try
{
    await GatewayProgram.RunAsync(args);
    return 0;
}
catch (Exception exception) when (exception is GatewayException or InvalidConfigurationException)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
