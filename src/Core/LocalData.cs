using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sessions;

/// <summary>A running LocalHost.</summary>
/// <param name="ProcessId">The id of its process.</param>
/// <param name="Url">The URL on which it listens.</param>
/// <param name="ConnectionString">The connection string of its storage, which is on this machine.</param>
public sealed record RunningLocalHost(int ProcessId, string Url, string ConnectionString);

/// <summary>
/// A data folder of LocalHost. It contains the files of Azurite, the signing key, and a file that describes the running LocalHost.
/// </summary>
public sealed partial class LocalData(string folder)
{
    private const string LockFile = "lock";
    private const string RunningFile = "running.json";

    /// <summary>The folder.</summary>
    public string Folder => folder;

    /// <summary>Whether a LocalHost has ever used the folder.</summary>
    public bool Exists => File.Exists(Path.Combine(folder, LockFile));

    /// <summary>
    /// Finds a folder of LocalHost. If the program or the current folder is in a clone of the repository, it is the folder in the clone.
    /// Otherwise it is the folder beside the program, where a published LocalHost has it.
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

    /// <summary>
    /// Locks the folder for one LocalHost until the result is disposed of. Returns null if another LocalHost has locked it.
    /// </summary>
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

    /// <summary>
    /// Stores the process, URL and storage that <see cref="Running"/> returns. Nothing has to remove them, because the lock shows whether
    /// the process still runs.
    /// </summary>
    public void WriteRunning(RunningLocalHost running)
        => File.WriteAllText(Path.Combine(folder, RunningFile), JsonSerializer.Serialize(running, Format.Default.RunningLocalHost));

    /// <summary>The LocalHost that uses the folder, or null if none does.</summary>
    public RunningLocalHost? Running()
    {
        using (var free = TryLock())
        {
            if (free is not null)
                return null;
        }

        var file = Path.Combine(folder, RunningFile);
        return File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllText(file), Format.Default.RunningLocalHost) : new(0, "is starting", "");
    }

    /// <summary>The size of all files, in bytes.</summary>
    public long Size() => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);

    /// <summary>Deletes the folder. Returns false if a LocalHost uses it.</summary>
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
