mod differential;
mod heads;
mod paths;
