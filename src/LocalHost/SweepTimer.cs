using Microsoft.Azure.Functions.Worker;
using Sessions.Endpoints;

namespace Sessions.LocalHost;

/// <summary>Runs the timer function, in place of the host's timer.</summary>
internal sealed class SweepTimer(IServiceProvider services, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await ActivatorUtilities.CreateInstance<SweepExpired>(services).Run(new TimerInfo(), stoppingToken);
            }
            catch (Exception exception) when (Storage.StorageFaults.IsTransient(exception))
            {
                // What is left is swept the next time.
            }
        }
    }
}
