using Azure;
using Microsoft.Azure.Functions.Worker;
using Sessions.Endpoints;

namespace Sessions.LocalHost;

/// <summary>Runs the timer function, in place of the host's timer.</summary>
internal sealed partial class SweepTimer(IServiceProvider services, TimeProvider time, ILogger<SweepTimer> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(SweepExpired.Period, time, stoppingToken);
                await ActivatorUtilities.CreateInstance<SweepExpired>(services).Run(new TimerInfo(), stoppingToken);
            }
            catch (Exception exception) when (Storage.StorageFaults.IsTransient(exception) || exception is RequestFailedException)
            {
                // LocalHost is stopping, or the next sweep deletes the remaining rows. If a table does not exist, for example, requests
                // fail but LocalHost keeps running.
                if (!stoppingToken.IsCancellationRequested)
                    LogFailed(exception);
            }
        }
    }

    [LoggerMessage(11, LogLevel.Warning, "The sweep of expired rows failed. The next sweep continues where this one stopped.")]
    private partial void LogFailed(Exception exception);
}
