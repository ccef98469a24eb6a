//! Drives the forum over HTTP as a browser would.
