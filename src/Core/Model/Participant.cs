using System.Text.Json;

namespace Sessions.Model;

/// <summary>A participant as it is answered.</summary>
/// <param name="Id">The participant's id: a lower-case UUID, made by the server.</param>
/// <param name="CallbackUrl">Where the caller wants notifications; left out when none was sent.</param>
/// <param name="PublishPermissions">What it may publish: AUDIO, VIDEO, both or nothing.</param>
/// <param name="Sessions">The id of the session it is in; empty when it is in none.</param>
/// <param name="Subscriptions">What it receives.</param>
/// <param name="Tag">The caller's own label; the id when none was sent.</param>
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
/// A participant in a list of an account's participants: what it was created with. Which session it is in and what it receives is
/// in another row each; a request for the one participant has both.
/// </summary>
/// <param name="Id">The participant's id.</param>
/// <param name="CallbackUrl">Where the caller wants notifications; left out when none was sent.</param>
/// <param name="PublishPermissions">What it may publish.</param>
/// <param name="Tag">The caller's own label; the id when none was sent.</param>
/// <param name="DeviceApiVersion">V2 or V3.</param>
public sealed record ListedParticipant(
    string Id, string? CallbackUrl, IReadOnlyList<string> PublishPermissions, string Tag, string DeviceApiVersion);

/// <summary>The answer to createParticipant.</summary>
/// <param name="Participant">The new participant.</param>
/// <param name="Token">The JWT with which its device connects.</param>
public sealed record CreatedParticipant(Participant Participant, string Token);

/// <summary>What a caller sends to create a participant.</summary>
/// <param name="CallbackUrl">Any text of at most <see cref="MaxCallbackUrlLength"/> characters, which need not be a valid URL; null for none.</param>
/// <param name="PublishPermissions">Any of AUDIO and VIDEO, without repeats.</param>
/// <param name="Tag">The caller's own label; null for none.</param>
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

    /// <summary>What no body at all asks for.</summary>
    public static NewParticipant Default { get; } = new(null, [], null, DefaultVersion);

    /// <summary>Reads a request body.</summary>
    /// <exception cref="JsonException">The body is not valid; the message names the field and what was expected.</exception>
    public static NewParticipant Read(JsonField body) => new(
        body.Field("callbackUrl")?.Text(MaxCallbackUrlLength),
        body.Field("publishPermissions") is { } permissions ? ReadPermissions(permissions) : [],
        body.Field("tag")?.Text(NewSession.MaxTagLength) is { Length: > 0 } tag ? tag : null,
        body.Field("deviceApiVersion")?.OneOf("V2", "V3") ?? DefaultVersion);

    private static string[] ReadPermissions(JsonField field)
        => [.. field.Items(int.MaxValue).Select(item => item.OneOf("AUDIO", "VIDEO")).Distinct()];
}
