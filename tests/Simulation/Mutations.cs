using Azure;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>The protocol with one rule of it broken, as changes to what a request's calls do.</summary>
internal static class Mutations
{
    public static IReadOnlyDictionary<string, Func<Request, TableCall, TableCall>> All { get; } = new Dictionary<string, Func<Request, TableCall, TableCall>>
    {
        [nameof(NoFenceInJoin)] = NoFenceInJoin,
        [nameof(NoFenceInDeleteParticipant)] = NoFenceInDeleteParticipant,
        [nameof(ClearsTheClaimUnderAnyETag)] = ClearsTheClaimUnderAnyETag,
        [nameof(InsertsUnderAnyHeader)] = InsertsUnderAnyHeader,
        [nameof(LooksAtItsClaim)] = LooksAtItsClaim,
    };

    public static TableCall NoFenceInJoin(Request request, TableCall call)
        => IsJoin(request) && IsFence(call) ? With(call, change => change with { Kind = ChangeKind.Compare, IfMatch = ETag.All }) : call;

    public static TableCall NoFenceInDeleteParticipant(Request request, TableCall call)
        => request.Operation.Kind == OperationKind.DeleteParticipant && IsFence(call)
            ? With(call, change => change with { Kind = ChangeKind.Compare, IfMatch = ETag.All })
            : call;

    public static TableCall ClearsTheClaimUnderAnyETag(Request request, TableCall call)
        => request.Operation.Kind == OperationKind.Leave && ClaimOf(call) == "" ? With(call, change => change with { IfMatch = ETag.All }) : call;

    public static TableCall InsertsUnderAnyHeader(Request request, TableCall call)
        => call.Changes is [{ Kind: ChangeKind.Merge }, { Kind: ChangeKind.Add }, ..]
            ? With(call, change => change.Kind == ChangeKind.Merge ? change with { IfMatch = ETag.All } : change)
            : call;

    public static TableCall LooksAtItsClaim(Request request, TableCall call)
        => IsJoin(request) && ClaimOf(call) is not null && request.Wrote(call.Changes[0].IfMatch)
            ? With(call, change => change with { Kind = ChangeKind.Compare })
            : call;

    private static bool IsJoin(Request request) => request.Operation.Kind is OperationKind.Join or OperationKind.Update;

    private static bool IsFence(TableCall call) => call.Changes is [{ Kind: ChangeKind.Merge, RowKey: Keys.Header }];

    private static string? ClaimOf(TableCall call)
        => call.Changes is [{ Kind: ChangeKind.Merge, RowKey: Keys.Participant, Columns: { } columns }] ? columns.GetString("SessionId") : null;

    private static TableCall With(TableCall call, Func<Change, Change> change)
        => call with { Changes = [.. call.Changes.Select(change)] };
}
