namespace Sessions.Tests.Simulation;

internal enum OperationKind
{
    Join,
    Leave,
    Update,
    DeleteParticipant,
    DeleteSession,
    GetParticipant,
    List,
    CreateParticipant,
    CreateSession,
    Sweep,
}

/// <summary>An API request. Participants and sessions are numbers here.</summary>
internal sealed record Operation(OperationKind Kind, int Participant = 0, int Session = 0, string? Subscriptions = null)
{
    public const string AnyTag = "*";

    /// <summary>The entity tag that the change requires, or null for no condition.</summary>
    public string? IfMatch { get; init; }

    public override string ToString() => Kind switch
    {
        OperationKind.DeleteParticipant => $"Delete(P{Participant})",
        OperationKind.DeleteSession => $"Delete(S{Session})",
        OperationKind.GetParticipant => $"Get(P{Participant})",
        OperationKind.List => $"List(S{Session})",
        OperationKind.Sweep => "Sweep",
        OperationKind.CreateParticipant or OperationKind.CreateSession => $"{Kind} with a key",
        _ => $"{Kind}(P{Participant}, S{Session}{(Subscriptions is null ? "" : $", {Subscriptions}")})",
    } + (IfMatch is null ? "" : $" if {IfMatch}");
}
