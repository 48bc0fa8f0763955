using System.Text.Json;

namespace Sessions.Model;

/// <summary>A participant in a response.</summary>
/// <param name="Id">The participant's id, a lower-case UUID that the server generates.</param>
/// <param name="CallbackUrl">The URL for notifications, absent if the caller sent none.</param>
/// <param name="PublishPermissions">The media that the participant may publish: AUDIO, VIDEO, both or none.</param>
/// <param name="Sessions">The id of the participant's session. The list is empty if the participant is in none.</param>
/// <param name="Subscriptions">The media that the participant receives.</param>
/// <param name="Tag">The caller's label, or the participant's id if the caller sent no label.</param>
/// <param name="DeviceApiVersion">V2 or V3.</param>
public sealed record Participant(
    string Id,
    string? CallbackUrl,
    IReadOnlyList<string> PublishPermissions,
    IReadOnlyList<string> Sessions,
    Subscriptions Subscriptions,
    string Tag,
    string DeviceApiVersion);

/// <summary>
/// A participant in a list of an account's participants, with the fields that it was created with. Its session and its subscriptions are in
/// other rows, and only a request for one participant reads them.
/// </summary>
/// <param name="Id">The participant's id.</param>
/// <param name="CallbackUrl">The URL for notifications, absent if the caller sent none.</param>
/// <param name="PublishPermissions">The media that the participant may publish.</param>
/// <param name="Tag">The caller's label, or the participant's id if the caller sent no label.</param>
/// <param name="DeviceApiVersion">V2 or V3.</param>
public sealed record ListedParticipant(
    string Id, string? CallbackUrl, IReadOnlyList<string> PublishPermissions, string Tag, string DeviceApiVersion);

/// <summary>The response of createParticipant.</summary>
/// <param name="Participant">The new participant.</param>
/// <param name="Token">The JWT with which the participant's device connects.</param>
public sealed record CreatedParticipant(Participant Participant, string Token);

/// <summary>The request body of createParticipant.</summary>
/// <param name="CallbackUrl">
/// Any text of at most <see cref="MaxCallbackUrlLength"/> characters, or null for none. It need not be a valid URL.
/// </param>
/// <param name="PublishPermissions">AUDIO, VIDEO, both or none, without repeats.</param>
/// <param name="Tag">The caller's label, or null for none.</param>
/// <param name="DeviceApiVersion">V2 or V3.</param>
public sealed record NewParticipant(
    string? CallbackUrl,
    IReadOnlyList<string> PublishPermissions,
    string? Tag,
    string DeviceApiVersion)
{
    /// <summary>The longest callback URL, in characters.</summary>
    public const int MaxCallbackUrlLength = 2048;

    private const string DefaultVersion = "V3";

    /// <summary>The participant that a request without a body creates.</summary>
    public static NewParticipant Default { get; } = new(null, [], null, DefaultVersion);

    /// <summary>Reads a request body.</summary>
    /// <exception cref="JsonException">The body is not valid. The message names the field and the expected value.</exception>
    public static NewParticipant Read(JsonField body) => new(
        body.Field("callbackUrl")?.Text(MaxCallbackUrlLength),
        body.Field("publishPermissions") is { } permissions ? ReadPermissions(permissions) : [],
        body.Field("tag")?.Text(NewSession.MaxTagLength) is { Length: > 0 } tag ? tag : null,
        body.Field("deviceApiVersion")?.OneOf("V2", "V3") ?? DefaultVersion);

    private static string[] ReadPermissions(JsonField field)
        => [.. field.Items(int.MaxValue).Select(item => item.OneOf("AUDIO", "VIDEO")).Distinct()];
}
