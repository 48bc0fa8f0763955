using System.Diagnostics;
using System.Text;
using Sessions.Media.Negotiation;
using Sessions.Media.Sdp;

namespace Sessions.Tests.Media;

/// <summary>
/// Recordings with random changes of characters, lines, and parts of other recordings. Nothing may throw. Every answer and offer must
/// itself be valid, because other devices receive it.
/// </summary>
public sealed class MutatedDescriptionTests
{
    private const int Seed = 2026;
    private const int MaxMutations = 20_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);
    private static readonly string[] Interesting = ["0", "-1", "65536", "4294967296", "99999999999999999999", "", " ", "\r", "\0", ":", "/", "é", "\u2028"];

    [Fact]
    public void A_mutated_description_is_parsed_or_rejected_and_its_answer_is_valid()
    {
        var random = new Random(Seed);
        string[] recordings = [.. Recorded.Names.Select(name => Recorded.Text(name.Data))];
        var watch = Stopwatch.StartNew();
        var read = 0;
        for (var i = 0; i < MaxMutations && watch.Elapsed < Limit; i++)
        {
            var text = recordings[random.Next(recordings.Length)];
            for (var changes = random.Next(1, 6); changes > 0; changes--)
                text = Mutate(text, recordings[random.Next(recordings.Length)], random);

            read += Check(text, i) ? 1 : 0;
        }

        Assert.NotEqual(0, read);
    }

    /// <summary>Whether the description was parsed. Checks all results that are derived from it.</summary>
    private static bool Check(string text, int number)
    {
        if (!SessionDescription.TryParse(text, out var description, out var error))
        {
            Assert.False(string.IsNullOrEmpty(error));
            return false;
        }

        var written = description.ToString();
        Assert.True(SessionDescription.TryParse(written, out var again, out error), $"{Seed}/{number}: {error}\n{written}");
        Assert.Equal(written, again.ToString());

        var result = PublishAnswer.Create(description, new(true, true), Transports.Local, 10);
        Assert.True(result.Error is null != result.Answer is null, $"{Seed}/{number}");
        if (result.Answer is { } answer)
        {
            Assert.True(SessionDescription.TryParse(answer.ToString(), out again, out error), $"{Seed}/{number}: {error}\n{answer}");
            Assert.Equal(description.Sections.Select(section => section.Type), again.Sections.Select(section => section.Type));
        }

        var sections = new SubscribeSections();
        foreach (var track in result.Tracks)
            sections.Add(track);

        Assert.True(SessionDescription.TryParse(sections.Offer(Transports.Local).ToString(), out var offer, out error), $"{Seed}/{number}: {error}");
        Assert.Equal(offer.Sections.Count, offer.Sections.Select(section => section.Msid).Distinct().Count());
        sections.TryApply(description, out _, out _);
        return true;
    }

    private static string Mutate(string text, string other, Random random)
    {
        var at = random.Next(text.Length + 1);
        var length = Math.Min(random.Next(random.Next(2) == 0 ? 4 : 400), text.Length - at);
        switch (random.Next(7))
        {
            case 0:
                return text.Remove(at, length);
            case 1:
                return text.Insert(at, Interesting[random.Next(Interesting.Length)]);
            case 2:
                return text.Insert(at, text.Substring(at, length));
            case 3:
                var start = random.Next(other.Length);
                return text.Insert(at, other.Substring(start, random.Next(Math.Min(400, other.Length - start))));
            case 4:
                return new StringBuilder(text).Remove(at, length).Insert(at, new string((char)random.Next(128), length)).ToString();
            case 5:
                var lines = text.Split("\r\n").ToList();
                (var first, var second) = (random.Next(lines.Count), random.Next(lines.Count));
                (lines[first], lines[second]) = (lines[second], lines[first]);
                return string.Join("\r\n", lines);
            default:
                var kept = text.Split("\r\n").ToList();
                kept.RemoveAt(random.Next(kept.Count));
                return string.Join("\r\n", kept);
        }
    }
}
