using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Sessions.Storage;

namespace Sessions.LocalHost;

/// <summary>
/// Passes the messages of a queue to a function, as the Functions host does. It takes up to 16 messages at once, and the next ones when at
/// most half of them are still running. A message is invisible for 30 seconds, or for longer while its function runs. After five failures
/// it is moved to the poison queue.
/// </summary>
/// <param name="queues">The queues.</param>
/// <param name="name">The queue's name.</param>
/// <param name="handle">The function.</param>
/// <param name="prepared">Completes when the queue exists. If it fails, the program ends in any case.</param>
/// <param name="logger">The logger for failures.</param>
public sealed partial class QueuePoller(
    Queues queues, string name, Func<string, CancellationToken, Task> handle, Func<Task> prepared, ILogger<QueuePoller> logger) : BackgroundService
{
    private const int BatchSize = 16;
    private const int MaxFailures = 5;

    private static readonly TimeSpan Invisible = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The rest must not run on the thread that starts the web server.
        await Task.Yield();
        var preparing = prepared();
        await preparing.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!preparing.IsCompletedSuccessfully)
            return;

        HashSet<Task> atWork = [];
        var pause = ShortestPause;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                QueueMessage[] messages = await queues.Named(name).ReceiveMessagesAsync(BatchSize, Invisible, stoppingToken);
                atWork.UnionWith(messages.Select(message => HandleAsync(message, stoppingToken)));
                pause = messages.Length > 0 ? ShortestPause : Longer(pause);
                if (messages.Length < BatchSize)
                    await Task.Delay(pause, stoppingToken);
                while (atWork.RemoveWhere(task => task.IsCompleted) >= 0 && atWork.Count > BatchSize / 2)
                    await Task.WhenAny(atWork).WaitAsync(stoppingToken);
            }
            catch (Exception exception) when (StorageFaults.IsTransient(exception) || exception is Azure.RequestFailedException)
            {
                // LocalHost is stopping, or the queue does not exist yet.
                if (stoppingToken.IsCancellationRequested)
                    break;

                LogUnreached(name, exception);
                await Task.Delay(LongestPause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        await Task.WhenAll(atWork);
    }

    private async Task HandleAsync(QueueMessage message, CancellationToken cancellation)
    {
        var queue = queues.Named(name);
        try
        {
            var handling = handle(message.Body.ToString(), cancellation);
            var receipt = message.PopReceipt;
            while (await Task.WhenAny(handling, Task.Delay(Invisible / 2, cancellation)) != handling && !cancellation.IsCancellationRequested)
                receipt = (await queue.UpdateMessageAsync(message.MessageId, receipt, visibilityTimeout: Invisible, cancellationToken: cancellation)).Value.PopReceipt;
            await handling;
            await queue.DeleteMessageAsync(message.MessageId, receipt, CancellationToken.None);
        }
        catch (Exception exception)
        {
            if (cancellation.IsCancellationRequested)
                return;

            LogFailed(name, message.DequeueCount, exception);
            if (message.DequeueCount >= MaxFailures)
                await GiveUpAsync(queue, message);
        }
    }

    private async Task GiveUpAsync(QueueClient queue, QueueMessage message)
    {
        try
        {
            await queues.Named(name + Queues.PoisonSuffix).SendMessageAsync(message.Body, timeToLive: TimeSpan.FromSeconds(-1));
            await queue.DeleteMessageAsync(message.MessageId, message.PopReceipt);
        }
        catch (Exception exception) when (StorageFaults.IsTransient(exception) || exception is Azure.RequestFailedException)
        {
            LogUnreached(name, exception);
        }
    }

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;

    [LoggerMessage(12, LogLevel.Warning, "The queue {Queue} cannot be read. Reading it is retried.")]
    private partial void LogUnreached(string queue, Exception exception);

    [LoggerMessage(13, LogLevel.Warning, "A message of the queue {Queue} failed. It has been received {Count} times.")]
    private partial void LogFailed(string queue, long count, Exception exception);
}
