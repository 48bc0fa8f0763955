using Azure.Data.Tables;

namespace Sessions.Storage;

/// <summary>
/// Checks whether the tables can be read. The result is reused for <see cref="Age"/>, so storage gets one check in that time, however many
/// callers request one. Concurrent callers share a check that is running.
/// </summary>
public sealed class TableCheck
{
    /// <summary>How long a result is reused, whether the check succeeded or failed.</summary>
    public static readonly TimeSpan Age = TimeSpan.FromSeconds(1);

    private readonly IEnumerable<TableClient> _tables;
    private readonly SessionsOptions _options;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private Task? _latest;
    private long _began;

    /// <summary>Checks all tables.</summary>
    public TableCheck(Tables tables, SessionsOptions options, TimeProvider time)
        : this(tables.All, options, time)
    {
    }

    /// <summary>Checks these tables.</summary>
    internal TableCheck(IEnumerable<TableClient> tables, SessionsOptions options, TimeProvider time)
        => (_tables, _options, _time) = (tables, options, time);

    /// <summary>Checks the tables.</summary>
    /// <param name="cancellation">Cancels the wait, but not the check, which other callers may share.</param>
    /// <exception cref="StorageUnavailableException">A table is missing, cannot be read, or does not respond.</exception>
    public Task RunAsync(CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (_latest is null || (_latest.IsCompleted && _time.GetElapsedTime(_began) > Age))
                (_began, _latest) = (_time.GetTimestamp(), CheckAsync());
            return _latest.WaitAsync(cancellation);
        }
    }

    private async Task CheckAsync()
    {
        using var deadline = new CancellationTokenSource(_options.RequestTimeout, _time);
        await Tables.CheckAsync(_tables, deadline.Token);
    }
}
