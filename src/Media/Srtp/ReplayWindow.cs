namespace Sessions.Media.Srtp;

/// <summary>The replay window of one SSRC (RFC 3711 section 3.3.2).</summary>
internal sealed class ReplayWindow
{
    private readonly ulong[] _received;

    /// <summary>
    /// Starts a window with the index <paramref name="first"/>. The window covers the last <paramref name="size"/> indices, a multiple of
    /// 64. Older indices are rejected.
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

    /// <summary>Whether an index has not been received and is not too old for the window.</summary>
    public bool IsNew(long index)
        => index > Highest || (index > Highest - Size && (_received[Word(index)] & Bit(index)) == 0);

    /// <summary>Records a new index, after its packet has been authenticated.</summary>
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
