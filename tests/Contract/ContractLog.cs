using System.Collections.Concurrent;

namespace Sessions.Tests.Contract;

/// <summary>The parts of the document that have occurred in requests and responses.</summary>
internal sealed class ContractLog
{
    private readonly ConcurrentDictionary<string, bool> _seen = new();
    private readonly ConcurrentQueue<(string Operation, Exchange Exchange)> _exchanges = new();

    public IReadOnlyCollection<string> Seen => [.. _seen.Keys];

    public IReadOnlyCollection<(string Operation, Exchange Exchange)> Exchanges => _exchanges;

    public void Add(string part) => _seen[part] = true;

    public void AddRange(IEnumerable<string> parts)
    {
        foreach (var part in parts)
            Add(part);
    }

    public void Add(Operation operation, Exchange exchange)
    {
        Add($"{operation.Id} {(int)exchange.Status}");
        _exchanges.Enqueue((operation.Id, exchange));
    }
}
