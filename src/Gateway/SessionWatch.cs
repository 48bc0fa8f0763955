using Azure;
using Sessions.Media;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Gateway;

/// <summary>The result of a device's attempt to connect.</summary>
/// <param name="Device">The device, or null if it is turned away.</param>
/// <param name="Refusal">Why it is turned away permanently.</param>
internal readonly record struct Admission(Device? Device, string? Refusal = null);

/// <summary>
/// Keeps the devices, and updates the streams that they receive when memberships and subscriptions in the tables change. The tables are the
/// source of truth. Every <see cref="Period"/>, the watch reads each session that has a member with a device, in one storage call. It also
/// reads each participant that has devices but is in no session. A hint triggers an earlier read. While storage fails, the last state stays
/// in effect, but each row ends when it expires. Without devices the watch reads nothing.
/// </summary>
internal sealed partial class SessionWatch(
    Tables tables,
    MediaEngine engine,
    GatewayOptions options,
    MembershipHints hints,
    DeviceJournal journal,
    TimeProvider time,
    ILogger<SessionWatch> logger) : BackgroundService
{
    /// <summary>The time between two reads of a session or participant.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    // The maximum time between two reads while storage fails.
    private static readonly TimeSpan LongestPeriod = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan LookTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private const int LooksAtOnce = 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<(AccountId, ParticipantId), WatchedParticipant> _participants = [];
    private readonly Dictionary<(AccountId, SessionId), WatchedSession> _sessions = [];
    private readonly SemaphoreSlim _looks = new(LooksAtOnce);
    private readonly SemaphoreSlim _firstDevice = new(0);
    private readonly CancellationTokenSource _stop = new();
    private long? _answered;

    /// <summary>How long ago storage last responded, or null if it never has.</summary>
    public TimeSpan? SinceAnswer
    {
        get
        {
            lock (_lock)
                return _answered is { } answered ? time.GetElapsedTime(answered) : null;
        }
    }

    /// <summary>The numbers of watched participants, watched sessions and devices.</summary>
    internal (int Participants, int Sessions, int Devices) Count
    {
        get
        {
            lock (_lock)
                return (_participants.Count, _sessions.Count, _participants.Values.Sum(participant => participant.Devices.Count));
        }
    }

    /// <summary>The number of a participant's devices that have no connection.</summary>
    internal int CountDisconnected(AccountId accountId, ParticipantId participantId)
    {
        lock (_lock)
        {
            return _participants.TryGetValue((accountId, participantId), out var participant)
                ? participant.Devices.Count(device => device.Disconnected is not null)
                : 0;
        }
    }

    /// <summary>
    /// Admits the device with this id, which may already be known, or returns why it is turned away. Makes one storage call for the first
    /// device of a participant, otherwise none.
    /// </summary>
    public async Task<Admission> AdmitAsync(DeviceToken token, string uniqueId, CancellationToken cancellation)
    {
        var key = new DeviceKey(token.AccountId, token.ParticipantId, uniqueId);
        ParticipantRow? row = null;
        while (true)
        {
            Admission? admission = null;
            Change(effects => admission = Admit(key, row, effects));
            if (admission is { } settled)
                return settled;

            row = await ParticipantRow.FindAsync(tables.Participants, token.AccountId, token.ParticipantId, cancellation);
            NoteAnswer();
            if (row?.IsLive(time.GetUtcNow()) != true)
                return new(null, "The participant does not exist.");
        }
    }

    /// <summary>Reads a session now, if it is watched.</summary>
    public void Poke(AccountId accountId, SessionId sessionId)
    {
        lock (_lock)
        {
            if (_sessions.TryGetValue((accountId, sessionId), out var session))
                Look(session);
        }
    }

    /// <summary>Reads a participant now, if it is watched.</summary>
    public void Poke(AccountId accountId, ParticipantId participantId)
    {
        lock (_lock)
        {
            if (_participants.TryGetValue((accountId, participantId), out var participant))
                Look(participant);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        // Not disposed, because a look may still ask for its token.
        _stop.Cancel();
        _looks.Dispose();
        _firstDevice.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        hints.Listener = Poke;
        try
        {
            while (true)
            {
                if (Count.Participants == 0)
                    await _firstDevice.WaitAsync(stoppingToken);

                AdvanceAll();
                await Task.Delay(Tick, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The gateway is stopping.
        }
        finally
        {
            hints.Listener = null;
            await _stop.CancelAsync();
        }
    }

    private void Poke(MembershipHint hint)
    {
        if (hint.SessionId is { } sessionId)
            Poke(hint.AccountId, sessionId);
        if (hint.ParticipantId is { } participantId)
            Poke(hint.AccountId, participantId);
    }

    private void AdvanceAll()
    {
        try
        {
            Change(Advance);
        }
        catch (Exception exception)
        {
            LogFailed(exception); // The next tick tries again. An exception from here would stop the host.
        }
    }

    /// <summary>Makes a change under the lock, and performs its slower effects afterwards.</summary>
    private void Change(Action<Effects> change)
    {
        var effects = new Effects();
        lock (_lock)
            change(effects);

        foreach (var (device, reason) in effects.Closes)
            device.Close(reason);
        foreach (var device in effects.Offers)
            device.Offer();
    }

    /// <summary>Admits a device. Null if the participant's row has to be read first.</summary>
    private Admission? Admit(DeviceKey key, ParticipantRow? row, Effects effects)
    {
        var isKnown = _participants.TryGetValue((key.AccountId, key.ParticipantId), out var participant);
        if (participant?.Devices.Find(device => device.Key == key) is { } known)
            return new(known);
        if (row is null && !isKnown)
            return null;

        // Making room can end the watch of the participant.
        var claim = isKnown ? participant!.Session?.Id : row!.SessionId;
        if (!MakeRoom(participant, key.AccountId, effects))
            return new(null, "There are too many devices.");

        participant ??= new(key.AccountId, row!) { Due = InTicks(Period) };
        var watched = participant;
        var device = new Device(key, participant.Permissions, engine, options.Limits, time, logger)
        {
            Changed = change => journal.Note(key.AccountId, watched.Row, change, key.UniqueId),
            Published = device => Change(effects => Apply(device, effects)),
            Left = device => Change(effects => Remove(device, "The device has left.", effects)),
        };
        participant.Devices.Add(device);
        if (_participants.TryAdd((key.AccountId, key.ParticipantId), participant) && _participants.Count == 1)
            _firstDevice.Release();
        Move(participant, claim, effects);
        Apply(device, effects);
        return new(device);
    }

    /// <summary>
    /// Makes room for one more device, or returns false. A disconnected device gives up its place, for example after a page was reloaded.
    /// </summary>
    private bool MakeRoom(WatchedParticipant? participant, AccountId accountId, Effects effects)
    {
        return MakeRoomAmong(participant?.Devices ?? [], options.Limits.DevicesPerParticipant)
            && MakeRoomAmong(
                [.. _participants.Values.Where(each => each.AccountId == accountId).SelectMany(each => each.Devices)],
                options.Limits.DevicesPerAccount);

        bool MakeRoomAmong(List<Device> devices, int most)
        {
            if (devices.Count < most)
                return true;
            if (devices.Where(device => device.Disconnected is not null).MinBy(device => device.Disconnected) is not { } longest)
                return false;

            Remove(longest, "A new device has replaced this device.", effects);
            return true;
        }
    }

    /// <summary>Does all work that is due.</summary>
    private void Advance(Effects effects)
    {
        var (now, ticks) = (time.GetUtcNow(), time.GetTimestamp());
        foreach (var participant in _participants.Values.ToArray())
        {
            if (!participant.IsLive(now))
            {
                Remove(participant, effects);
                continue;
            }

            foreach (var device in participant.Devices.ToArray())
                Advance(device, effects);
            if (!participant.IsMember && participant.Due <= ticks)
                Look(participant);
        }

        foreach (var session in _sessions.Values.ToArray())
        {
            if (session.NextEnd <= now)
                Apply(session, effects);
            if (session.Due <= ticks)
                Look(session);
        }
    }

    private void Advance(Device device, Effects effects)
    {
        if (device.Disconnected is { } since && time.GetElapsedTime(since) >= Device.DisconnectedLifetime)
        {
            Remove(device, "The device did not connect again in time.", effects);
            return;
        }

        var (offerIsDue, haveStreamsChanged) = device.Advance();
        if (offerIsDue)
            effects.Offers.Add(device);
        if (haveStreamsChanged)
            Apply(device, effects);
    }

    private void Apply(Device device, Effects effects)
    {
        _ = _participants.TryGetValue((device.Key.AccountId, device.Key.ParticipantId), out var participant);
        if (participant?.Session is { } session)
            Apply(session, effects);
    }

    /// <summary>Updates the streams of every device, from the last known state of the session and the current time.</summary>
    private void Apply(WatchedSession session, Effects effects)
    {
        var members = session.IsGone ? null : session.Members;
        if (members is null && !session.IsGone)
            return;

        var now = time.GetUtcNow();
        var streams = session.Participants.SelectMany(participant => participant.Devices).SelectMany(device => device.Streams);
        var audience = members is null ? null : Audience.Of(members, streams, now);
        foreach (var participant in session.Participants)
        {
            var received = audience?.GetValueOrDefault(participant.Id);
            if (participant.IsMember && received is null)
                Look(participant); // The participant has left, or is gone.
            participant.IsMember = received is not null;
            Receive(participant, received ?? [], effects);
        }

        session.NextEnd = members?.Header.IsLive(now) == true
            ? members.Header.Members.Live(now).Select(entry => entry.Expires).Append(members.Header.Expires).Min()
            : DateTimeOffset.MaxValue;
    }

    private static void Receive(WatchedParticipant participant, IReadOnlyList<PublishedStream> streams, Effects effects)
        => effects.Offers.AddRange(participant.Devices.Where(device => device.Receive(streams)));

    /// <summary>Records which session a participant claims.</summary>
    private void Move(WatchedParticipant participant, SessionId? sessionId, Effects effects)
    {
        if (participant.Session?.Id == sessionId)
            return;

        if (participant.Session is { } before)
        {
            (participant.Session, participant.IsMember) = (null, false);
            Receive(participant, [], effects);
            before.Participants.Remove(participant);
            if (before.Participants.Count == 0)
                _sessions.Remove((before.AccountId, before.Id));
            else
                Apply(before, effects);
        }

        if (sessionId is not { } id)
            return;

        if (!_sessions.TryGetValue((participant.AccountId, id), out var session))
            _sessions.Add((participant.AccountId, id), session = new(participant.AccountId, id));
        participant.Session = session;
        session.Participants.Add(participant);
        Apply(session, effects);
        Look(session);
    }

    private void Remove(WatchedParticipant participant, Effects effects)
    {
        LogGone(participant.Id);
        foreach (var device in participant.Devices.ToArray())
            Remove(device, "The participant was deleted or has expired.", effects);
    }

    private void Remove(Device device, string reason, Effects effects)
    {
        _ = _participants.TryGetValue((device.Key.AccountId, device.Key.ParticipantId), out var participant);
        if (participant?.Devices.Remove(device) != true)
            return;

        // Under this lock, so that a new device with the same id connects only after this one has left.
        device.Leave();
        effects.Closes.Add((device, reason));
        Apply(device, effects);
        if (participant.Devices.Count == 0)
        {
            Move(participant, null, effects);
            _participants.Remove((device.Key.AccountId, device.Key.ParticipantId));
        }
    }

    /// <summary>Starts a read, or schedules another one after the read in progress.</summary>
    private void Look(Watched watched)
    {
        if (watched.IsLooking)
        {
            watched.LookAgain = true;
            return;
        }

        watched.IsLooking = true;
        _ = Task.Run(() => LookAsync(watched, _stop.Token));
    }

    private async Task LookAsync(Watched watched, CancellationToken stop)
    {
        var again = true;
        while (again && !stop.IsCancellationRequested)
        {
            var answered = await TryLookAsync(watched, stop);
            lock (_lock)
            {
                watched.Failures = answered ? 0 : watched.Failures + 1;
                (again, watched.LookAgain, watched.IsLooking) = (watched.LookAgain && answered, false, watched.LookAgain && answered);
                watched.Due = IsOver(watched) ? null : InTicks(PeriodAfter(watched.Failures));
            }
        }
    }

    /// <summary>Reads a session or participant. False if storage has not responded.</summary>
    private async Task<bool> TryLookAsync(Watched watched, CancellationToken stop)
    {
        try
        {
            await _looks.WaitAsync(stop);
            try
            {
                using var deadline = new CancellationTokenSource(LookTimeout, time);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, deadline.Token);
                await (watched switch
                {
                    WatchedSession session => ReadAsync(session, both.Token),
                    _ => ReadAsync((WatchedParticipant)watched, both.Token),
                });
                return true;
            }
            finally
            {
                _looks.Release();
            }
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception exception) when (StorageFaults.IsTransient(exception) || exception is RequestFailedException)
        {
            if (watched.Failures == 0)
                LogUnanswered(exception);
            return false;
        }
        catch (Exception exception)
        {
            LogFailed(exception);
            return false;
        }
    }

    private async Task ReadAsync(WatchedSession session, CancellationToken cancellation)
    {
        var members = await MemberList.FindAsync(tables.Sessions, session.AccountId, session.Id, new(time, cancellation));
        NoteAnswer();
        Change(effects =>
        {
            if (AreTheSame(session.Members, members))
                return;

            (session.Members, session.IsGone) = (members, members is null);
            Apply(session, effects);
        });
    }

    private async Task ReadAsync(WatchedParticipant participant, CancellationToken cancellation)
    {
        var row = await ParticipantRow.FindAsync(tables.Participants, participant.AccountId, participant.Id, cancellation);
        NoteAnswer();
        Change(effects =>
        {
            if (participant.Devices.Count == 0)
                return;
            if (row?.IsLive(time.GetUtcNow()) != true)
                Remove(participant, effects);
            else
                Move(participant, row.SessionId, effects);
        });
    }

    private void NoteAnswer()
    {
        lock (_lock)
            _answered = time.GetTimestamp();
    }

    // A session that was deleted or has expired never comes back.
    private bool IsOver(Watched watched)
        => watched is WatchedSession session && (session.IsGone || session.Members?.Header.IsLive(time.GetUtcNow()) == false);

    private long InTicks(TimeSpan after) => time.GetTimestamp() + (long)(after.TotalSeconds * time.TimestampFrequency);

    private static TimeSpan PeriodAfter(int failures)
        => failures == 0 ? Period : TimeSpan.FromTicks(Math.Min(LongestPeriod.Ticks, Period.Ticks << Math.Min(failures, 8)));

    /// <summary>Whether nothing has changed. Joins and leaves change the header, and new subscriptions change the member's row.</summary>
    private static bool AreTheSame(MemberList? one, MemberList? other)
        => one is not null && other is not null
            && one.Header.ETag == other.Header.ETag
            && one.Members.Select(member => member.ETag).SequenceEqual(other.Members.Select(member => member.ETag));

    [LoggerMessage(23, LogLevel.Information, "Participant {ParticipantId} was deleted or has expired. Its devices are closed.")]
    private partial void LogGone(ParticipantId participantId);

    [LoggerMessage(24, LogLevel.Warning, "Storage did not respond when the gateway read a session or participant. The gateway keeps the last state until storage responds.")]
    private partial void LogUnanswered(Exception exception);

    [LoggerMessage(25, LogLevel.Error, "Reading a session or participant failed.")]
    private partial void LogFailed(Exception exception);

    /// <summary>The effects of a change, which are performed without the lock.</summary>
    private sealed class Effects
    {
        public List<Device> Offers { get; } = [];

        public List<(Device Device, string Reason)> Closes { get; } = [];
    }
}
