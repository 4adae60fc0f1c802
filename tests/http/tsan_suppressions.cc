// For builds with the thread sanitizer, which reads it at start; in others nothing calls it.
//
// Poco's archives are built without the sanitizer, so it doesn't see the atomic count by which a
// connection's thread and TCPServer's share a socket, and takes the last release for a race.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() { return "race:Poco::Net::TCPServer::run\n"; }
