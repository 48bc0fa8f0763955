namespace Sessions.Media.Srtp;

/// <summary>The indices that have been received lately, of one SSRC (RFC 3711 section 3.3.2).</summary>
internal sealed class ReplayWindow
{
    private readonly ulong[] _received;

    /// <summary>
    /// Remembers <paramref name="size"/> indices up to the highest, a multiple of 64, beginning with <paramref name="first"/>. Older
    /// indices are refused.
    /// </summary>
    public ReplayWindow(int size, long first)
    {
        _received = new ulong[size / 64];
        Highest = first;
        Set(first);
    }

    /// <summary>The highest index that has been received.</summary>
    public long Highest { get; private set; }

    private int Size => _received.Length * 64;

    /// <summary>Whether an index is neither received already nor too old to tell.</summary>
    public bool IsNew(long index)
        => index > Highest || (index > Highest - Size && (_received[Word(index)] & Bit(index)) == 0);

    /// <summary>Notes an index that is new, after its packet has been authenticated.</summary>
    public void Add(long index)
    {
        if (index - Highest >= Size)
            Array.Clear(_received);
        else
        {
            for (var skipped = Highest + 1; skipped < index; skipped++)
                _received[Word(skipped)] &= ~Bit(skipped);
        }

        Set(index);
        Highest = Math.Max(Highest, index);
    }

    private void Set(long index) => _received[Word(index)] |= Bit(index);

    private int Word(long index) => (int)(index / 64 % _received.Length);

    private static ulong Bit(long index) => 1UL << (int)(index % 64);
}
