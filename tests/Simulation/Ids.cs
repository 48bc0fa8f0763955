using System.Globalization;
using System.Text.Json;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests.Simulation;

/// <summary>Converts the simulation's numbers and short texts to the product's ids and subscriptions, and back.</summary>
internal static class Ids
{
    public const string Key = "key";

    /// <summary>The number of the participant and of the session that are created with <see cref="Key"/>.</summary>
    public const int Keyed = 9_000_000;

    private static readonly ParticipantId KeyedParticipant = new(Keys.IdOf(Keys.Participant, Request.Account, Key));
    private static readonly SessionId KeyedSession = new(Keys.IdOf(Keys.Header, Request.Account, Key));

    public static SessionId Session(int number) => number == Keyed ? KeyedSession : new(Uuid(number));

    public static ParticipantId Participant(int number) => number == Keyed ? KeyedParticipant : new(Uuid(number));

    public static int Of(ParticipantId id) => Of(id.ToString());

    public static int Of(ReadOnlySpan<char> id) => id.SequenceEqual(KeyedParticipant.ToString()) || id.SequenceEqual(KeyedSession.ToString())
        ? Keyed
        : int.Parse(id[..8], NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    public static Subscriptions Subscriptions(string text) => text == Model.None ? Sessions.Model.Subscriptions.None : new(text, null);

    public static string Text(Subscriptions subscriptions) => subscriptions.SessionId ?? Model.None;

    public static string Text(byte[] stored) => Text(JsonSerializer.Deserialize(stored, WireFormat.Default.Subscriptions)!);

    private static Guid Uuid(int number) => new(number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}
