using Azure;
using Microsoft.Azure.Functions.Worker;
using Sessions.Endpoints;

namespace Sessions.LocalHost;

/// <summary>Runs the timer function, in place of the host's timer.</summary>
internal sealed class SweepTimer(IServiceProvider services, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(Period, time, stoppingToken);
                await ActivatorUtilities.CreateInstance<SweepExpired>(services).Run(new TimerInfo(), stoppingToken);
            }
            catch (Exception exception) when (Storage.StorageFaults.IsTransient(exception) || exception is RequestFailedException)
            {
                // LocalHost ends, or what is left is swept the next time; without its table, say, requests fail and not LocalHost.
            }
        }
    }
}
