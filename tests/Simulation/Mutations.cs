using Azure;
using Azure.Data.Tables;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>Mutations of the protocol, each of which breaks one rule.</summary>
internal static class Mutations
{
    private static readonly TableAnswer Refusal = new(412, "UpdateConditionNotSatisfied");

    public static Mutation NoFenceInJoin { get; } = new()
    {
        Call = (request, call) => IsJoin(request) && IsFence(call) ? With(call, change => change with { Kind = ChangeKind.Compare, IfMatch = ETag.All }) : call,
    };

    public static Mutation NoFenceInDeleteParticipant { get; } = new()
    {
        Call = (request, call) => request.Operation.Kind == OperationKind.DeleteParticipant && IsFence(call)
            ? With(call, change => change with { Kind = ChangeKind.Compare, IfMatch = ETag.All })
            : call,
    };

    public static Mutation ReleasesTheClaimUnderAnyETag { get; } = new()
    {
        Call = (request, call) => request.Operation.Kind == OperationKind.Leave && ClaimOf(call) == ""
            ? With(call, change => change with { IfMatch = ETag.All })
            : call,
    };

    public static Mutation InsertsUnderAnyHeader { get; } = new()
    {
        Call = (_, call) => IsInsert(call) ? With(call, change => change.Kind == ChangeKind.Merge ? change with { IfMatch = ETag.All } : change) : call,
    };

    public static Mutation LooksAtItsClaim { get; } = new()
    {
        Call = (request, call) => IsJoin(request) && ClaimOf(call) is not null && request.Wrote(call.Changes[0].IfMatch)
            ? With(call, change => change with { Kind = ChangeKind.Compare })
            : call,
    };

    /// <summary>A leave assumes that a removal was its own when it only may have been.</summary>
    public static Mutation ReleasesTheClaimAfterAnothersRemoval { get; } = new()
    {
        Answer = (request, call, answer) => request.Operation.Kind == OperationKind.Leave && IsHeaderRead(call) && LostRemoval(request) is { } removal
            ? WithWriteId(answer, (string)removal.Changes[0].Columns!["WriteId"])
            : answer,
    };

    public static Mutation ForgetsThatItsInsertMayLand { get; } = Forgets(IsInsert);

    public static Mutation ForgetsThatItsRemovalMayBeDone { get; } = Forgets(IsRemoval);

    public static Mutation ForgetsThatItsDeletionMayBeDone { get; } = Forgets(IsDeletion);

    /// <summary>Repeats a replacement of subscriptions that got no response.</summary>
    public static Mutation ForgetsThatItsReplacementMayLand { get; } = Forgets(call => IsReplacement(call) && call.Changes[0].IfMatch == ETag.All, new(404, "ResourceNotFound"));

    public static Mutation ForgetsThatItsConditionalReplacementMayBeDone { get; } = Forgets(call => IsReplacement(call) && call.Changes[0].IfMatch != ETag.All);

    /// <summary>A deletion of a participant does not recognize its own removal of the participant from the session.</summary>
    public static Mutation JudgesItsConditionAgain { get; } = new()
    {
        Answer = (request, call, answer) => request.Operation.Kind != OperationKind.DeleteParticipant ? answer
            : IsRemoval(call) && answer.Succeeded ? Refusal
            : IsHeaderRead(call) ? WithWriteId(answer, "another's")
            : answer,
    };

    /// <summary>A change does not write its event in the same transaction.</summary>
    public static Mutation WritesNoEventWithTheChange { get; } = new()
    {
        Call = (_, call) => call with { Changes = [.. call.Changes.Where(change => !Keys.IsEvent(change.RowKey))] },
    };

    /// <summary>A creation writes no idempotency marker.</summary>
    public static Mutation ForgetsItsKey { get; } = new()
    {
        Call = (_, call) => call with { Changes = [.. call.Changes.Where(change => change.RowKey != Keys.IdempotencyMarker)] },
    };

    /// <summary>A creation treats an expired idempotency marker as valid.</summary>
    public static Mutation ForgetsThatItsKeyHasExpired { get; } = new()
    {
        Answer = (_, call, answer) => call is { IsWrite: false, RowKey: Keys.IdempotencyMarker } ? WithEnd(answer, StartState.Later) : answer,
    };

    /// <summary>An update that did not find the row that it changed assumes that the row was live.</summary>
    public static Mutation TakesWhatItMissedForLive { get; } = new()
    {
        Answer = (request, call, answer) =>
            request.Operation.Kind == OperationKind.Update
            && call is { IsWrite: false, RowKey: Keys.Header or Keys.Participant }
            && request.Made.Any(made => IsReplacement(made.Call) && made.Answer.Succeeded)
            && request.Made.Any(made => made.Call is { IsWrite: false, RowKey: { } key } && Keys.IsMember(key) && made.Answer.Status == 404)
                ? WithEnd(answer, StartState.Later)
                : answer,
    };

    public static Mutation SweepsWithoutLookingAtTheEnd { get; } = new()
    {
        Answer = (request, call, answer) => IsSweep(request) && call is { Page: not null, Before: null } ? WithEnd(answer, StartState.LongAgo) : answer,
    };

    public static Mutation SweepsUnderAnyETag { get; } = new()
    {
        Call = (request, call) => IsSweep(request) && IsDeletion(call) ? With(call, change => change with { IfMatch = ETag.All }) : call,
    };

    /// <summary>A sweep assumes that a failed deletion succeeded, and deletes the index row.</summary>
    public static Mutation SweepsTheIndexThoughRowsAreLeft { get; } = new()
    {
        Answer = (request, call, answer) => IsSweep(request) && IsDeletion(call) && !answer.Succeeded ? new(204) : answer,
    };

    /// <summary>A sweep writes no index row for an idempotency marker.</summary>
    public static Mutation SweepsWithoutIndexingTheKey { get; } = new()
    {
        Call = (request, call) => IsSweep(request) && call.Changes is [{ Kind: ChangeKind.Add }]
            ? With(call, change => change with { Kind = ChangeKind.Compare, IfMatch = ETag.All })
            : call,
        Answer = (_, call, answer) => call.Changes is [{ Kind: ChangeKind.Compare }] ? new(204) : answer,
    };

    /// <summary>A list in pages uses its first pass also as the second.</summary>
    public static Mutation DoesNotLookAgain { get; } = new()
    {
        Answer = (request, call, answer) => request.Operation.Kind != OperationKind.List ? answer
            : request.Made.LastOrDefault(made => made.Call.Page == call.Page) is { Answer: { } first } ? first
            : answer,
    };

    public static IReadOnlyDictionary<string, Mutation> All { get; } = new Dictionary<string, Mutation>
    {
        [nameof(NoFenceInJoin)] = NoFenceInJoin,
        [nameof(NoFenceInDeleteParticipant)] = NoFenceInDeleteParticipant,
        [nameof(ReleasesTheClaimUnderAnyETag)] = ReleasesTheClaimUnderAnyETag,
        [nameof(InsertsUnderAnyHeader)] = InsertsUnderAnyHeader,
        [nameof(LooksAtItsClaim)] = LooksAtItsClaim,
        [nameof(ReleasesTheClaimAfterAnothersRemoval)] = ReleasesTheClaimAfterAnothersRemoval,
        [nameof(ForgetsThatItsInsertMayLand)] = ForgetsThatItsInsertMayLand,
        [nameof(ForgetsThatItsRemovalMayBeDone)] = ForgetsThatItsRemovalMayBeDone,
        [nameof(ForgetsThatItsDeletionMayBeDone)] = ForgetsThatItsDeletionMayBeDone,
        [nameof(ForgetsThatItsReplacementMayLand)] = ForgetsThatItsReplacementMayLand,
        [nameof(ForgetsThatItsConditionalReplacementMayBeDone)] = ForgetsThatItsConditionalReplacementMayBeDone,
        [nameof(JudgesItsConditionAgain)] = JudgesItsConditionAgain,
        [nameof(DoesNotLookAgain)] = DoesNotLookAgain,
    };

    /// <summary>Treats a missing response to such a write as a refusal.</summary>
    private static Mutation Forgets(Func<TableCall, bool> isSuch, TableAnswer? refusal = null)
        => new() { Answer = (_, call, answer) => answer == TableAnswer.Lost && isSuch(call) ? refusal ?? Refusal : answer };

    private static bool IsSweep(Request request) => request.Operation.Kind == OperationKind.Sweep;

    private static bool IsJoin(Request request) => request.Operation.Kind is OperationKind.Join or OperationKind.Update;

    private static bool IsFence(TableCall call) => call.Changes is [{ Kind: ChangeKind.Merge, RowKey: Keys.Header }];

    private static bool IsInsert(TableCall call) => call.Changes is [{ Kind: ChangeKind.Merge }, { Kind: ChangeKind.Add }, ..];

    private static bool IsRemoval(TableCall call) => call.Changes is [{ Kind: ChangeKind.Merge }, { Kind: ChangeKind.Delete }, ..];

    private static bool IsDeletion(TableCall call) => call.Changes is [{ Kind: ChangeKind.Delete }, ..] && !Keys.IsIndex(call.PartitionKey);

    private static bool IsReplacement(TableCall call) => call.Changes is [{ Kind: ChangeKind.Merge } change] && Keys.IsMember(change.RowKey);

    private static bool IsHeaderRead(TableCall call) => call is { IsWrite: false, RowKey: Keys.Header };

    private static string? ClaimOf(TableCall call)
        => call.Changes is [{ Kind: ChangeKind.Merge, RowKey: Keys.Participant, Columns: { } columns }] ? columns.GetString("SessionId") : null;

    private static TableCall? LostRemoval(Request request)
        => request.Made.FirstOrDefault(made => IsRemoval(made.Call) && made.Answer == TableAnswer.Lost).Call;

    private static TableCall With(TableCall call, Func<Change, Change> change)
        => call with { Changes = [.. call.Changes.Select(change)] };

    private static TableAnswer WithWriteId(TableAnswer answer, string writeId) => WithColumn(answer, "WriteId", writeId);

    private static TableAnswer WithEnd(TableAnswer answer, DateTimeOffset end) => WithColumn(answer, "Expires", end);

    private static TableAnswer WithColumn(TableAnswer answer, string name, object value) => answer.Rows.IsDefault
        ? answer
        : answer with { Rows = [.. answer.Rows.Select(row => row.Merge(new TableEntity { [name] = value }, row.ETag))] };
}
