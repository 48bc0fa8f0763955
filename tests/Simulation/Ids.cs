using System.Globalization;
using System.Text.Json;
using Sessions.Model;

namespace Sessions.Tests.Simulation;

/// <summary>The simulation's numbers and short texts as the product's ids and subscriptions, and back.</summary>
internal static class Ids
{
    public static SessionId Session(int number) => new(Uuid(number));

    public static ParticipantId Participant(int number) => new(Uuid(number));

    public static int Of(ParticipantId id) => Of(id.ToString());

    public static int Of(ReadOnlySpan<char> id) => int.Parse(id[..8], NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    public static Subscriptions Subscriptions(string text) => text == Model.None ? Sessions.Model.Subscriptions.None : new(text, null);

    public static string Text(Subscriptions subscriptions) => subscriptions.SessionId ?? Model.None;

    public static string Text(byte[] stored) => Text(JsonSerializer.Deserialize(stored, WireFormat.Default.Subscriptions)!);

    private static Guid Uuid(int number) => new(number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}
