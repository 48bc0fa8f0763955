using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sessions;

/// <summary>A LocalHost that is running.</summary>
/// <param name="ProcessId">Its process.</param>
/// <param name="Url">Where it listens.</param>
/// <param name="ConnectionString">Its storage, on this machine.</param>
public sealed record RunningLocalHost(int ProcessId, string Url, string ConnectionString);

/// <summary>A folder of data that LocalHost keeps: the files of Azurite, the signing key, and the file that tells of a LocalHost that runs.</summary>
public sealed partial class LocalData(string folder)
{
    private const string LockFile = "lock";
    private const string RunningFile = "running.json";

    /// <summary>The folder.</summary>
    public string Folder => folder;

    /// <summary>Whether a LocalHost has ever used the folder.</summary>
    public bool Exists => File.Exists(Path.Combine(folder, LockFile));

    /// <summary>
    /// A folder of LocalHost's: in the clone when the program or the current folder is in one, otherwise beside the program, where a
    /// published LocalHost has it.
    /// </summary>
    public static string FindFolder(string name, params IEnumerable<string> starts)
    {
        foreach (var start in starts)
        {
            for (var parent = new DirectoryInfo(start); parent is not null; parent = parent.Parent)
            {
                var found = Path.Combine(parent.FullName, "src", "LocalHost", name);
                if (File.Exists(Path.Combine(found, "package.json")) && File.Exists(Path.Combine(parent.FullName, "Sessions.sln")))
                    return found;
            }
        }

        return Path.Combine(AppContext.BaseDirectory, name);
    }

    /// <summary>Takes the folder for one LocalHost alone, until the result is disposed of; null when another one has it.</summary>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written.</exception>
    public FileStream? TryLock()
    {
        Directory.CreateDirectory(folder);
        try
        {
            return new(Path.Combine(folder, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (exception is not (DirectoryNotFoundException or PathTooLongException))
        {
            return null;
        }
    }

    /// <summary>Tells <see cref="Running"/> of this process. It need not be taken back: the lock says whether it still runs.</summary>
    public void WriteRunning(RunningLocalHost running)
        => File.WriteAllText(Path.Combine(folder, RunningFile), JsonSerializer.Serialize(running, Format.Default.RunningLocalHost));

    /// <summary>The LocalHost that uses the folder; null when none does.</summary>
    public RunningLocalHost? Running()
    {
        using (var free = TryLock())
        {
            if (free is not null)
                return null;
        }

        var file = Path.Combine(folder, RunningFile);
        return File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllText(file), Format.Default.RunningLocalHost) : new(0, "starts", "");
    }

    /// <summary>The size of all files, in bytes.</summary>
    public long Size() => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);

    /// <summary>Deletes the folder; false when a LocalHost uses it.</summary>
    public bool TryDelete()
    {
        using var alone = TryLock();
        if (alone is null)
            return false;

        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos().Where(entry => entry.Name != LockFile))
        {
            if (entry is DirectoryInfo directory)
                directory.Delete(recursive: true);
            else
                entry.Delete();
        }

        File.Delete(alone.Name);
        return true;
    }

    [JsonSerializable(typeof(RunningLocalHost))]
    private sealed partial class Format : JsonSerializerContext;
}
