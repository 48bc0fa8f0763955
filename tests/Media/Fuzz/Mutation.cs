using System.Globalization;

namespace Sessions.Tests.Media.Fuzz;

/// <summary>
/// Random changes of bytes, the same in every run. SESSIONS_FUZZ_FACTOR multiplies the number of iterations of each test, and
/// SESSIONS_FUZZ_SEED changes the seed.
/// </summary>
internal sealed class Mutation
{
    private readonly Random _random = new(Number("SESSIONS_FUZZ_SEED", 20260101));

    public Random Random => _random;

    public static int Times(int count) => count * Number("SESSIONS_FUZZ_FACTOR", 1);

    /// <summary>A copy with changed bits, bytes or lengths, with parts removed or repeated, or with a different end.</summary>
    public byte[] Of(byte[] seed)
    {
        var bytes = (byte[])seed.Clone();
        for (var change = _random.Next(1, 5); change > 0 && bytes.Length > 0; change--)
        {
            var at = _random.Next(bytes.Length);
            switch (_random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)_random.Next(256);
                    break;
                case 2:
                    bytes[at] = _random.Next(2) == 0 ? (byte)0 : byte.MaxValue;
                    break;
                case 3:
                    bytes = bytes[..at];
                    break;
                case 4:
                    bytes = [.. bytes[..at], .. bytes[_random.Next(at, bytes.Length)..]];
                    break;
                default:
                    bytes = [.. bytes, .. bytes[at..Math.Min(bytes.Length, at + 200)]];
                    break;
            }
        }

        return bytes.Length <= 2048 ? bytes : bytes[..2048];
    }

    private static int Number(string name, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
